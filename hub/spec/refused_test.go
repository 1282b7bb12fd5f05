package spec

import (
	"slices"
	"strings"
	"testing"
)

// refused is what a hub.yaml says below spec, from its line 5 on, and the faults that it must be refused with: all of
// them and no others.
type refused struct {
	name string
	spec string
	want []string
}

func (r refused) test(t *testing.T) {
	t.Run(r.name, func(t *testing.T) {
		h, err := Load(below(r.spec), "hub.yaml")
		if err == nil {
			t.Fatalf("loaded %+v", h.Spec)
		}
		if got := strings.Split(err.Error(), "\n"); !slices.Equal(got, r.want) {
			t.Errorf("faults\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(r.want, "\n"))
		}
		if strings.Contains(err.Error(), "swordfish") {
			t.Error("a message shows a password")
		}
	})
}

// below returns a hub.yaml whose spec is text, indented by two spaces.
func below(text string) []byte {
	const header = "apiVersion: backstack.dev/v1alpha1\nkind: Hub\nmetadata: {name: demo}\nspec:\n"
	return []byte(header + "  " + strings.ReplaceAll(text, "\n", "\n  ") + "\n")
}

// load returns the resolved hub whose spec is text.
func load(t *testing.T, text string) *Hub {
	t.Helper()
	h, err := Load(below(text), "hub.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return Resolve(h)
}
