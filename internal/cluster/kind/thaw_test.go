package kind

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestWhatIsFrozenInAContainerIsThawed(t *testing.T) {
	root := t.TempDir()
	states := map[string]string{
		"docker/abc/kubelet/pod/freezer.state":        "FROZEN\n",
		"docker/abc/freezer.state":                    "THAWED\n",
		"system.slice/docker-abc.scope/freezer.state": "FREEZING\n",
		"docker/other/freezer.state":                  "FROZEN\n",
	}
	for name, state := range states {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(state), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stop := thawing(context.Background(), root, "abc")
	want := map[string]string{
		"docker/abc/kubelet/pod/freezer.state":        "THAWED",
		"docker/abc/freezer.state":                    "THAWED\n",
		"system.slice/docker-abc.scope/freezer.state": "THAWED",
		"docker/other/freezer.state":                  "FROZEN\n",
	}
	deadline := time.Now().Add(10 * time.Second)
	for name, state := range want {
		for {
			got, err := os.ReadFile(filepath.Join(root, name))
			if err == nil && string(got) == state {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s is %q, %v: want %q", name, got, err, state)
			}
			time.Sleep(time.Millisecond)
		}
	}
	stop()
}

func TestWithoutFreezersThereIsNothingToThaw(t *testing.T) {
	thawing(context.Background(), t.TempDir(), "abc")()
	thawing(context.Background(), t.TempDir(), "")()
}
