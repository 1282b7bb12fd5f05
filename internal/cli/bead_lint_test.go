package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lintBead runs `bead lint` and returns what it printed and its exit status.
func lintBead(t *testing.T, args ...string) (out string, status int) {
	t.Helper()
	var printed bytes.Buffer
	c := newBeadLintCommand(&app{streams: Streams{Out: &printed}})
	c.SetArgs(args)
	c.SilenceErrors, c.SilenceUsage = true, true
	err := c.ExecuteContext(t.Context())
	return printed.String(), exitStatus(t.Context(), err)
}

// writeBead makes a Bead with a license, in a folder of its own.
func writeBead(t *testing.T, license string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"bead.yaml": "apiVersion: backstack.dev/v1alpha1\nkind: Bead\nmetadata: {name: demo}\n" +
			"spec:\n  version: 0.1.0\n  description: A demonstration\n  license: " + license + "\n",
		"application/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLintSaysWithItsStatusWhetherThereAreErrors(t *testing.T) {
	good, faulty := writeBead(t, "MIT"), writeBead(t, "Mine")
	for _, c := range []struct {
		name   string
		args   []string
		status int
		want   string
	}{
		{"a good Bead", []string{good}, exitDone, "nothing wrong"},
		{"a faulty one", []string{faulty}, exitFailed, `bead.yaml:7:3: error: spec.license: "Mine" is no SPDX licence`},
		{"no folder", []string{filepath.Join(good, "none")}, exitRequest, ""},
		{"no argument", nil, exitRequest, ""},
		{"no folder of schemas", []string{good, "--schemas", filepath.Join(good, "none")}, exitRequest, ""},
		{"the rules", []string{"--rules"}, exitDone, "xrd-schema"},
	} {
		out, status := lintBead(t, c.args...)
		if status != c.status || !strings.Contains(out, c.want) {
			t.Errorf("%s: the status is %d, and it printed %q: want %d and %q", c.name, status, out, c.status, c.want)
		}
	}
}

func TestLintPrintsForPrograms(t *testing.T) {
	faulty := writeBead(t, "Mine")
	out, _ := lintBead(t, faulty, "-o", "json")
	var report struct {
		Errors   int
		Findings []struct{ Rule string }
	}
	if err := json.Unmarshal([]byte(out),
		&report); err != nil || report.Errors != 1 || report.Findings[0].Rule != "license" {
		t.Errorf("the JSON is %s (%v): want one error of rule license", out, err)
	}
	out, _ = lintBead(t, faulty, "-o", "sarif")
	var log struct{ Version string }
	if err := json.Unmarshal([]byte(out), &log); err != nil || log.Version != "2.1.0" {
		t.Errorf("the SARIF is %s (%v): want version 2.1.0", out, err)
	}
}
