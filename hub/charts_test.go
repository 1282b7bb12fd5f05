package hub

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/back-stack/backstack/charts"
)

func TestAChartIsTakenOnlyWithItsDigest(t *testing.T) {
	source, kept := t.TempDir(), filepath.Join(t.TempDir(), "charts")
	write := func(content string) {
		if err := os.WriteFile(filepath.Join(source, "demo-1.2.3.tgz"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	get := func(want string, keep bool) (string, error) {
		upstream := charts.Upstream{Name: "demo", Version: "1.2.3", Digest: want}
		content, err := archive(context.Background(), kept, source, upstream)
		if err == nil && keep {
			err = errors.Join(os.MkdirAll(kept, 0o700), os.WriteFile(archivePath(kept, upstream), content, 0o600))
		}
		return string(content), err
	}
	write("first")
	if _, err := get("sha256:00", true); err == nil || !strings.Contains(err.Error(), digest([]byte("first"))) {
		t.Errorf("another digest gives the error %v: want it to say which one the archive has", err)
	}
	if _, err := os.Stat(kept); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a refused chart is kept: %v", err)
	}
	if got, err := get("", false); err != nil || got != "first" {
		t.Errorf("without a digest the chart is %q, %v: want it as it is there", got, err)
	}
	if _, err := os.Stat(kept); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a chart is kept that was only looked at: %v", err)
	}
	if got, err := get(digest([]byte("first")), true); err != nil || got != "first" {
		t.Errorf("with its digest the chart is %q, %v: want it", got, err)
	}
	// What is published under the same version later is not what the hub has.
	write("second")
	if got, err := get("", true); err != nil || got != "first" {
		t.Errorf("the second time the chart is %q, %v: want the one that is kept", got, err)
	}
	if got, err := get(digest([]byte("second")), true); err != nil || got != "second" {
		t.Errorf("with another digest the chart is %q, %v: want that", got, err)
	}
}

func TestAChartThatIsNotThereIsNamed(t *testing.T) {
	_, err := archive(context.Background(), t.TempDir(), t.TempDir(), charts.Upstream{Name: "demo", Version: "1.2.3"})
	if err == nil || !strings.Contains(err.Error(), "demo-1.2.3.tgz") || !strings.Contains(err.Error(), "--charts") {
		t.Errorf("the error is %v: want the file and --charts in it", err)
	}
}
