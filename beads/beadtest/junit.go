package beadtest

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
)

// The elements of JUnit's XML that test reporters agree on: https://github.com/testmoapp/junitxml
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Time     string      `xml:"time,attr"` // seconds
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name      string        `xml:"name,attr"`
		ClassName string        `xml:"classname,attr"`
		File      string        `xml:"file,attr"`
		Line      int           `xml:"line,attr"`
		Time      string        `xml:"time,attr"`
		Failure   *junitFailure `xml:"failure"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes the report as JUnit XML, one suite for the Bead.
func (r *Report) JUnit(w io.Writer) error {
	seconds := func(value float64) string { return fmt.Sprintf("%.3f", value) }
	suite := junitSuite{Name: r.Bead, Tests: len(r.Tests), Failures: r.Failed, Time: seconds(r.Seconds)}
	for _, test := range r.Tests {
		written := junitCase{Name: test.Name, ClassName: r.Bead, File: test.File, Line: test.Line, Time: seconds(test.Seconds)}
		if !test.Passed {
			written.Failure = &junitFailure{Message: firstLine(test.Failures[0]), Text: strings.Join(test.Failures, "\n")}
		}
		suite.Cases = append(suite.Cases, written)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(junitSuites{Suites: []junitSuite{suite}}); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
