package lint

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func sampleReport() Report {
	return NewReport("shop", []Finding{
		{Rule: ruleLicense, Severity: Error, File: "bead.yaml", Line: 7, Column: 3, Message: "spec.license: is <none>"},
		{Rule: ruleFileUnknown, Severity: Warning, File: "composites/notes.txt", Message: "nothing reads this file"},
	})
}

func TestTextLinesUp(t *testing.T) {
	var out bytes.Buffer
	if err := sampleReport().WriteText(&out); err != nil {
		t.Fatal(err)
	}
	want := `bead.yaml:7:3:        error:   spec.license: is <none> (license)
composites/notes.txt: warning: nothing reads this file (file-unknown)
shop: 1 error, 1 warning
`
	if out.String() != want {
		t.Errorf("the text is\n%swant\n%s", out.String(), want)
	}
}

func TestNothingWrongIsSaid(t *testing.T) {
	var text, encoded bytes.Buffer
	report := NewReport("shop", nil)
	if err := report.WriteText(&text); err != nil {
		t.Fatal(err)
	}
	if want := "shop: nothing wrong\n"; text.String() != want {
		t.Errorf("the text is %q: want %q", text.String(), want)
	}
	if err := report.WriteJSON(&encoded); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(encoded.String(), `"findings": []`) {
		t.Errorf("the JSON is %s: want a list of findings, and not null", encoded.String())
	}
}

func TestJSONIsStable(t *testing.T) {
	var out bytes.Buffer
	if err := sampleReport().WriteJSON(&out); err != nil {
		t.Fatal(err)
	}
	want := `{
  "bead": "shop",
  "errors": 1,
  "warnings": 1,
  "findings": [
    {
      "rule": "license",
      "severity": "error",
      "file": "bead.yaml",
      "line": 7,
      "column": 3,
      "message": "spec.license: is <none>"
    },
    {
      "rule": "file-unknown",
      "severity": "warning",
      "file": "composites/notes.txt",
      "message": "nothing reads this file"
    }
  ]
}
`
	if out.String() != want {
		t.Errorf("the JSON is\n%swant\n%s", out.String(), want)
	}
}

func TestSARIFNamesFilesFromWhereTheCommandRuns(t *testing.T) {
	var out bytes.Buffer
	if err := sampleReport().WriteSARIF(&out, "0.3.0"); err != nil {
		t.Fatal(err)
	}
	var log sarifLog
	if err := json.Unmarshal(out.Bytes(), &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 || len(log.Runs[0].Results) != 2 {
		t.Fatalf("the log is %+v: want version 2.1.0 and a run with two results", log)
	}
	run := log.Runs[0]
	first := run.Results[0]
	place := first.Locations[0].Physical
	if place.Artifact.URI != "shop/bead.yaml" || place.Region.StartLine != 7 || place.Region.StartColumn != 3 {
		t.Errorf("the first result is in %+v", place)
	}
	if run.Tool.Driver.Rules[first.RuleIndex].ID != first.RuleID || first.Level != "error" {
		t.Errorf("the first result is %+v, of rule %+v", first, run.Tool.Driver.Rules[first.RuleIndex])
	}
	if run.Results[1].Locations[0].Physical.Region != nil {
		t.Errorf("a result of a file as a whole has a region: %+v", run.Results[1])
	}
}
