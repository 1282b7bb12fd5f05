package embedded

import (
	"context"
	"slices"

	"github.com/back-stack/backstack/internal/supervisor"
)

// EnsureSome starts those programs of a component that are called names and waits until they do their work. It returns
// whether any was started. It is for hubs that are there for one purpose, and need not do everything.
func (c *Cluster) EnsureSome(ctx context.Context, component string, names []string, waiting func(string)) (bool, error) {
	processes := slices.DeleteFunc(c.programs.of(component), func(p supervisor.Process) bool {
		return !slices.Contains(names, p.Name)
	})
	return c.run(ctx, waiting, processes...)
}
