package beadtest

import (
	"strings"
	"testing"

	"github.com/back-stack/backstack/beads/bead"
)

const good = `apiVersion: backstack.dev/v1alpha1
kind: BeadTest
metadata: {name: one}
spec:
  admits:
    - object: {apiVersion: v1, kind: Namespace, metadata: {name: a}}
---
# another
apiVersion: backstack.dev/v1alpha1
kind: BeadTest
metadata: {name: two}
spec:
  templates:
    - {template: app, files: {a.txt: {equals: ""}}}
`

func TestTestsAreReadFromAllFilesAndDocuments(t *testing.T) {
	tests, err := Load(bead.Files{
		"tests/b.yaml": []byte(good), "tests/README.md": []byte("x"), "tests/data/a.yaml": []byte("x: ["),
		"tests/a.yml": []byte(strings.NewReplacer("one", "three", "two", "four").Replace(good)),
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, test := range tests {
		names = append(names, test.Name)
	}
	if got := strings.Join(names, " "); got != "three four one two" {
		t.Errorf("the tests are %s: want three four one two", got)
	}
	if last := tests[3]; last.File != "tests/b.yaml" || last.Line != 9 || last.needsHub() {
		t.Errorf("the last test is %+v: want it at tests/b.yaml:9, without need of a hub", last)
	}
}

func TestEverythingThatIsWrongWithTestsIsNamedWithItsLine(t *testing.T) {
	_, err := Load(bead.Files{"tests/a.yaml": []byte(good + `---
apiVersion: v1
kind: Test
metadata: {name: One_}
spec: {}
---
apiVersion: backstack.dev/v1alpha1
kind: BeadTest
metadata: {name: one}
spec:
  given:
    - {kind: Namespace}
  composes:
    - claim: {apiVersion: a/b/c, kind: X, metadata: {name: x}}
    - ready: true
  admits:
    - object: {apiVersion: v1, kind: Namespace, metadata: {name: a}}
      as: {groups: [a]}
      message: x
  refuses:
    - object: {apiVersion: v1, kind: Namespace, metadata: {name: a}}
  templates:
    - files: {a: {}, b: {equals: a, contains: [b]}}
    - template: x
`)})
	for _, want := range []string{
		`tests/a.yaml:16: apiVersion: "v1" is not what a test has here: want backstack.dev/v1alpha1`,
		`tests/a.yaml:17: kind: "Test" is not what a test has here`,
		`tests/a.yaml:18: metadata.name: "One_" is not a DNS label`,
		`tests/a.yaml:19: spec: nothing is expected`,
		`tests/a.yaml:23: metadata.name: "one" is the name of the test in tests/a.yaml:1`,
		`tests/a.yaml:26: spec.given[0].apiVersion: is missing`,
		`tests/a.yaml:26: spec.given[0].metadata.name: is missing`,
		`tests/a.yaml:28: spec.composes[0].claim.apiVersion: "a/b/c" is not GROUP/VERSION`,
		`tests/a.yaml:28: spec.composes[0]: nothing is expected of the claim`,
		`tests/a.yaml:29: spec.composes[1].claim: is missing`,
		`tests/a.yaml:32: spec.admits[0].as.user: is missing`,
		`tests/a.yaml:33: spec.admits[0].message: unknown field`,
		`tests/a.yaml:35: spec.refuses[0].message: is missing`,
		`tests/a.yaml:37: spec.templates[0].template: is missing`,
		`tests/a.yaml:37: spec.templates[0].files.a: want either equals`,
		`tests/a.yaml:37: spec.templates[0].files.b: want either equals`,
		`tests/a.yaml:38: spec.templates[1].files: is missing`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the fault %q is not in:\n%v", want, err)
		}
	}
	if count := strings.Count(err.Error(), "\n") + 1; count != 17 {
		t.Errorf("there are %d faults, want 17:\n%v", count, err)
	}
}
