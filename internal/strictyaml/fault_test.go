package strictyaml

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestFaultsAreSortedWithinTheirSources(t *testing.T) {
	err := Faults{
		{Source: "b.yaml", Line: 9, Message: "nine"},
		{Source: "a.yaml", Line: 2, Message: "two"},
		{Source: "b.yaml", Line: 3, Column: 8, Path: "x.y", Message: "three, right"},
		{Source: "b.yaml", Line: 3, Column: 1, Message: "three, left"},
		{Source: "b.yaml", Message: "the whole"},
		{Source: "b.yaml", Line: 9, Message: "nine"},
		{Message: "no source"},
		{Line: 4, Message: "a line alone"},
	}.Err()
	want := `b.yaml: the whole
b.yaml:3: three, left
b.yaml:3: x.y: three, right
b.yaml:9: nine
a.yaml:2: two
no source
line 4: a line alone`
	if err == nil || err.Error() != want {
		t.Errorf("error\n%v\nwant\n%s", err, want)
	}
	var faults Faults
	if !errors.As(fmt.Errorf("reading: %w", err), &faults) || len(faults) != 7 {
		t.Errorf("errors.As found %d faults, want 7", len(faults))
	}
}

func TestErrorOfVeryManyFaultsIsShort(t *testing.T) {
	faults := make(Faults, 150)
	lines := strings.Split(faults.Error(), "\n")
	if len(lines) != 101 || lines[100] != "and 50 more" {
		t.Errorf("the error has %d lines and ends in %q", len(lines), lines[len(lines)-1])
	}
}

func TestNoFaultsAreNoError(t *testing.T) {
	if err := (Faults{}).Err(); err != nil {
		t.Errorf("error %v", err)
	}
}
