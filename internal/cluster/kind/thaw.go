package kind

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// freezers is where version 1 of cgroups has the freezers of this machine.
const freezers = "/sys/fs/cgroup/freezer"

// thawPause is how often thawing looks again: freezers say nothing when they freeze.
const thawPause = 200 * time.Millisecond

// thawing thaws what is frozen in a container's cgroups until the returned function is called. With version 1 of
// cgroups a node that is killed while its containerd makes a container can leave that one frozen, and what is frozen
// does not die: the engine would give up after some seconds. With version 2, or an engine elsewhere, there is nothing
// to thaw.
func thawing(ctx context.Context, root, id string) (stop func()) {
	found := freezersOf(root, id)
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for len(found) > 0 {
			for _, dir := range found {
				thaw(dir)
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(thawPause):
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// freezersOf returns the cgroups of a container: engines name them docker/ID or system.slice/docker-ID.scope.
func freezersOf(root, id string) []string {
	if id == "" {
		return nil
	}
	var found []string
	for _, pattern := range []string{"*/" + id, "*/*" + id + ".scope"} {
		matches, _ := filepath.Glob(filepath.Join(root, pattern)) // the patterns are well-formed
		found = append(found, matches...)
	}
	return found
}

// thaw thaws every cgroup below dir that is frozen. What cannot be thawed is as it was.
func thaw(dir string) {
	_ = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "freezer.state" {
			return nil // cgroups come and go
		}
		if state, err := os.ReadFile(path); err == nil && len(state) > 0 && state[0] == 'F' { // FROZEN or FREEZING
			_ = os.WriteFile(path, []byte("THAWED"), 0)
		}
		return nil
	})
}
