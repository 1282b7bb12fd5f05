package beadtest

import (
	"strings"
	"testing"
)

func TestAReportAsJUnit(t *testing.T) {
	r := &Report{Bead: "welcome", Seconds: 1.5}
	r.add(Result{Name: "good", File: "tests/a.yaml", Line: 3, Passed: true, Seconds: 0.25})
	failures := []string{"want <a>\n  got b", "and more"}
	r.add(Result{Name: "bad", File: "tests/a.yaml", Line: 9, Seconds: 1, Failures: failures})
	var out strings.Builder
	if err := r.JUnit(&out); err != nil {
		t.Fatal(err)
	}
	const want = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="welcome" tests="2" failures="1" time="1.500">
    <testcase name="good" classname="welcome" file="tests/a.yaml" line="3" time="0.250"></testcase>
    <testcase name="bad" classname="welcome" file="tests/a.yaml" line="9" time="1.000">
      <failure message="want &lt;a&gt;">want &lt;a&gt;&#xA;  got b&#xA;and more</failure>
    </testcase>
  </testsuite>
</testsuites>
`
	if out.String() != want {
		t.Errorf("the report is\n%s\nwant\n%s", out.String(), want)
	}
}
