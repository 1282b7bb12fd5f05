package hub

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/cluster/embedded"
	"github.com/back-stack/backstack/internal/kube"
	"github.com/back-stack/backstack/internal/report"
)

// ThrowawayOptions say what a throwaway hub runs beside its control plane.
type ThrowawayOptions struct {
	Home       Home
	Archive    string                         // an engine to use instead of building one
	Supervisor func(stateDir string) []string // the command line that keeps the hub's processes running
	Timeout    time.Duration                  // for everything after the engine is there

	Crossplane bool     // with its functions
	Kyverno    []string // the programs of Kyverno; none: no Kyverno
	Delivery   bool     // the repositories and Argo CD
	Keep       bool     // make it a hub like others, which stays until somebody uninstalls it
}

// Throwaway is a hub that is there for one purpose and is removed with it.
type Throwaway struct {
	Home Home // where it is found by its name; not where other hubs are, unless it is kept
	Name string

	provider *embedded.Cluster
	held     *lock
}

// throwaways is the folder, beside that of the hubs, that throwaway hubs are in.
const throwaways = "throwaway"

// throwawayCommand is what others are told of who holds the lock of a throwaway hub.
const throwawayCommand = "bead test"

// removeTimeout is how long removing a throwaway hub may take.
const removeTimeout = 30 * time.Second

// StartThrowaway makes a hub with what is asked for. Whoever makes it removes it; what was left by a process that was
// killed is removed first. If the hub cannot be made nothing of it stays.
func StartThrowaway(ctx context.Context, o ThrowawayOptions, to report.Reporter) (*Throwaway, error) {
	home := o.Home
	if !o.Keep {
		home.State = filepath.Join(home.State, throwaways)
		if err := home.sweep(ctx); err != nil {
			return nil, err
		}
	}
	name := "test-" + strings.ToLower(rand.Text()[:6])
	wanted := throwawaySpec(name, o)
	options := InstallOptions{Home: home, Archive: o.Archive, Supervisor: o.Supervisor, Timeout: o.Timeout}
	i := &install{
		options: options, spec: wanted, dir: home.Dir(name), bare: !o.Delivery,
		only: map[string][]string{spec.Kyverno: o.Kyverno},
	}
	var err error
	if i.place, err = home.newPlace(wanted, options.place(name)); err != nil {
		return nil, err
	}
	if err := i.place.Check(ctx); err != nil {
		return nil, &RequestError{err}
	}
	held, err := acquireLock(i.dir, name, throwawayCommand)
	if err != nil {
		return nil, err
	}
	t := &Throwaway{Home: home, Name: name, provider: i.place.embedded, held: held}
	if err := i.run(ctx, to); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, errors.Join(err, t.Remove(ctx))
	}
	return t, nil
}

// throwawaySpec describes the hub.
func throwawaySpec(name string, o ThrowawayOptions) *spec.Hub {
	described := spec.Resolve(spec.Default(name))
	for component, enabled := range map[string]bool{spec.Crossplane: o.Crossplane, spec.Kyverno: len(o.Kyverno) > 0} {
		settings := described.Spec.Components[component]
		settings.Enabled = &enabled
		described.Spec.Components[component] = settings
	}
	return described
}

// bareSteps are those of a hub without delivery.
func (i *install) bareSteps() []step {
	steps := []step{
		{name: "cluster", run: i.ensureCluster},
		{name: "configuration", needs: []string{"cluster"}, run: func(ctx context.Context, s *report.Step) (string, error) {
			if err := i.client.Apply(ctx, kube.Backstack, namespaces(i.spec)...); err != nil {
				return "", err
			}
			return i.configure(ctx, s)
		}},
	}
	for _, component := range []string{kubernetes, spec.Crossplane, spec.Kyverno} {
		if component == kubernetes || i.enabled(component) {
			steps = append(steps, step{name: component, needs: []string{"configuration"}, run: i.programs(component)})
		}
	}
	return steps
}

// Kubeconfig is the path of the administrator's kubeconfig.
func (t *Throwaway) Kubeconfig() string { return t.provider.Kubeconfig() }

// Release leaves the hub as it is.
func (t *Throwaway) Release() { t.held.release() }

// Remove ends the hub's processes and removes its files, even if ctx has ended.
func (t *Throwaway) Remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTimeout)
	defer cancel()
	defer t.held.release()
	if err := t.provider.Delete(ctx); err != nil {
		return fmt.Errorf("removing the throwaway hub: %w", err)
	}
	// The folders above go when they are empty.
	for _, dir := range []string{t.Home.Dir(""), t.Home.State, filepath.Dir(t.Home.State)} {
		if os.Remove(dir) != nil {
			break
		}
	}
	return nil
}

// sweep removes the hubs of a Home of throwaways whose makers have ended without doing so.
func (h Home) sweep(ctx context.Context) error {
	names, err := h.Hubs()
	if err != nil {
		return err
	}
	for _, name := range names {
		held, err := acquireLock(h.Dir(name), name, throwawayCommand)
		if locked := new(LockedError); errors.As(err, &locked) {
			continue // it is in use
		}
		if err != nil {
			return err
		}
		left := &Throwaway{
			Home: h, Name: name, provider: embedded.New(embedded.Options{Name: name, Dir: h.Dir(name)}), held: held,
		}
		if err := left.Remove(ctx); err != nil {
			return err
		}
	}
	return nil
}
