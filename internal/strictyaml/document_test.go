package strictyaml

import "testing"

const positions = `name: hal
parts:
  arm:
    version: 1.0.0
  a.b: {verison: x}
tags:
  - one
  - [two]
spare: 3
`

func TestPositionIsThatOfTheNearestThingThatIsGiven(t *testing.T) {
	document, _ := Decode([]byte(positions), "f", new(robot))
	cases := []struct {
		path         string
		line, column int
	}{
		{"", 1, 1},
		{"name", 1, 1},
		{"parts", 2, 1},
		{"parts.arm.version", 4, 5},
		{"parts.arm.enabled", 3, 3},
		{`parts["a.b"]`, 5, 3},
		{`parts["a.b"].enabled`, 5, 3},
		{`parts["x.y"].enabled`, 2, 1},
		{"tags[0]", 7, 5},
		{"tags[7]", 6, 1},
		{"mood", 1, 1},
	}
	for _, c := range cases {
		if line, column := document.Position(c.path); line != c.line || column != c.column {
			t.Errorf("%s stands at %d:%d, want %d:%d", c.path, line, column, c.line, c.column)
		}
	}
}

func TestUnreadIsWhatCouldNotBeDecoded(t *testing.T) {
	document, _ := Decode([]byte(positions), "f", new(robot))
	for path, want := range map[string]bool{
		"name": false, "tags": false, "tags[0]": false, "tags[1]": true, "spare": true, "spare.version": true,
		"parts.arm.enabled":    false,
		`parts["a.b"].version`: true, // misspelt
		`parts["a.b"].enabled`: false,
	} {
		if got := document.Unread(path); got != want {
			t.Errorf("Unread(%s) = %v, want %v", path, got, want)
		}
	}
}

func TestUnreadIsNotWhatIsAlsoGivenAsItShouldBe(t *testing.T) {
	document, _ := Decode([]byte("nmae: x\nname: y\n"), "f", new(robot))
	if document.Unread("name") {
		t.Error("name is given, and counts as unread because of nmae")
	}
}

func TestFaultHasThePositionOfItsPath(t *testing.T) {
	document, _ := Decode([]byte(positions), "f", new(robot))
	want := `f:4: parts.arm.version: "1.0.0" is old`
	if got := document.Fault("parts.arm.version", "%q is old", "1.0.0").String(); got != want {
		t.Errorf("fault %s, want %s", got, want)
	}
	var none *Document
	if got := none.Fault("a.b", "is old").String(); got != "a.b: is old" || none.Has("") || none.Unread("") {
		t.Errorf("a nil document gives the fault %s", got)
	}
}
