package strictyaml

import "testing"

func TestNearest(t *testing.T) {
	providers := []string{"embedded", "kind", "eks", "gke", "existing"}
	fields := []string{"name", "version", "repositories", "Enforce"}
	cases := []struct {
		word       string
		candidates []string
		want       string
	}{
		{"ek", providers, "eks"},
		{"EKS", providers, "eks"},
		{"exist", providers, "existing"},
		{"embeded", providers, "embedded"},
		{"docker", providers, ""},
		{"k", providers, ""},
		{"", providers, ""},
		{"gcp", providers, ""},
		{"nmae", fields, "name"},
		{"verison", fields, "version"},
		{"repos", fields, "repositories"},
		{"enforced", fields, "Enforce"},
		{"verison", nil, ""},
		{"mode", []string{"mode", "node", "modes"}, "mode"},
	}
	for _, c := range cases {
		if got, ok := Nearest(c.word, c.candidates); got != c.want || ok != (c.want != "") {
			t.Errorf("Nearest(%q) = %q, %v, want %q", c.word, got, ok, c.want)
		}
	}
}

func TestOneOf(t *testing.T) {
	if got, want := OneOf("king", []string{"eks", "kind"}), "want one of eks, kind (did you mean kind?)"; got != want {
		t.Errorf("OneOf = %q, want %q", got, want)
	}
	if got, want := OneOf("minikube", []string{"eks", "kind"}), "want one of eks, kind"; got != want {
		t.Errorf("OneOf = %q, want %q", got, want)
	}
}
