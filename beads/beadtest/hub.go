package beadtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/hub"
	"github.com/back-stack/backstack/internal/report"
)

// elsewhere is what templates see of the repositories of a hub that has none.
const elsewhere = "https://git.example.com/backstack/"

// openHub opens the hub that is to be used, if it runs already, and returns what the Bead's templates see of it.
func (r *runner) openHub(ctx context.Context) (bead.Hub, error) {
	o := r.options
	if o.Hub == "" {
		return bead.Hub{Name: "test", URL: elsewhere + "hub.git", Requests: elsewhere + "requests.git"}, nil
	}
	access, err := o.Home.Access(ctx, o.Hub)
	if err != nil {
		return bead.Hub{}, err
	}
	outputs, err := o.Home.Outputs(o.Hub)
	if err != nil {
		return bead.Hub{}, err
	}
	if r.stage, err = newStage(outputs.Kubeconfig, o); err != nil {
		return bead.Hub{}, err
	}
	r.stage.access = access
	repositories := access.Spec.Spec.Repositories
	return bead.Hub{Name: access.Name, Pods: access.Pods(), URL: repositories.Hub, Requests: repositories.Requests}, nil
}

// enter makes the hub ready for the Bead: one of its own is started, of another the lock is taken.
func (r *runner) enter(ctx context.Context, groups []*group, schemas []*unstructured.Unstructured) error {
	var err error
	if r.options.Hub == "" {
		err = r.startHub(ctx, neededBy(groups))
	} else {
		err = r.takeHub(ctx)
	}
	if err != nil {
		return err
	}
	if r.stage.installed {
		return r.stage.checkInstalled(ctx, groups)
	}
	return r.stage.installSchemas(ctx, schemas, r.to)
}

// startHub starts a hub with what the Bead needs.
func (r *runner) startHub(ctx context.Context, n needs) error {
	o := r.options
	started, err := hub.StartThrowaway(ctx, hub.ThrowawayOptions{
		Home: o.Home, Archive: o.Archive, Supervisor: o.Supervisor, Timeout: hubTimeout, Keep: o.Keep,
		Crossplane: n.crossplane, Kyverno: n.kyverno, Delivery: n.delivery,
	}, r.to)
	if err != nil {
		return err
	}
	stage, err := newStage(started.Kubeconfig(), o)
	if err == nil && n.delivery {
		stage.delivered = true
		stage.access, err = started.Home.Access(ctx, started.Name)
	}
	if err != nil {
		return errors.Join(err, started.Remove(ctx))
	}
	r.stage, stage.throwaway = stage, started
	if o.Keep {
		r.report.Hub, r.report.Kept = started.Name, true
	}
	return nil
}

var applications = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "applications"}

// takeHub takes the lock of a hub that runs, and finds out whether the Bead is on it already.
func (r *runner) takeHub(ctx context.Context) error {
	o := r.options
	r.report.Hub = o.Hub
	release, err := o.Home.Lock(o.Hub, "bead test")
	if err != nil {
		return err
	}
	r.stage.release = release
	_, err = r.stage.client.Get(ctx, applications, "argocd", "bead-"+o.Folder.Metadata.Name)
	switch {
	case err == nil:
		r.stage.installed = true
	case !apierrors.IsNotFound(err):
		return fmt.Errorf("looking for the Bead on hub %s: %w", o.Hub, err)
	}
	return nil
}

// close leaves the hub: one of its own is removed, on another everything that was brought to it is.
func (r *runner) close(ctx context.Context) error {
	s := r.stage
	if s == nil {
		return nil
	}
	if s.release != nil {
		defer s.release()
	}
	switch {
	case s.throwaway != nil && r.options.Keep:
		s.throwaway.Release()
		return nil
	case s.throwaway != nil:
		return s.throwaway.Remove(ctx)
	case r.options.Keep:
		return nil
	}
	step := report.Start(r.to, "clean up", "")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTimeout)
	defer cancel()
	if err := s.clear(ctx); err != nil {
		step.Fail(err)
		return fmt.Errorf("removing what was brought to hub %s: %w", r.options.Hub, err)
	}
	step.Done("")
	return nil
}

// lockFile is the one file of a Bead in hub.git that says where it comes from, and not what it is.
const lockFile = "bead.lock.yaml"

// checkInstalled refuses to test another Bead than the one that is on the hub: people use that one, so a test does not
// change it.
func (s *stage) checkInstalled(ctx context.Context, groups []*group) error {
	lock := "beads/" + s.options.Folder.Metadata.Name + "/" + lockFile
	var fit, others []string
	for _, g := range groups {
		if !g.needsHub() {
			fit = append(fit, g.names()...)
			continue
		}
		changes, err := s.options.Deliver(ctx, s.access, g.values, true, report.Discard)
		if err != nil {
			return s.installedError(nil, fmt.Sprintf("not as it is here: %v", err))
		}
		changes = slices.DeleteFunc(changes, func(file string) bool { return file == lock })
		if len(changes) == 0 {
			fit = append(fit, g.names()...)
			continue
		}
		others = append(others, fmt.Sprintf("%s: %s would differ", strings.Join(g.names(), ", "),
			strings.Join(changes, ", ")))
	}
	if len(others) == 0 {
		return nil
	}
	return s.installedError(fit, "with other parameters than these tests want:\n  "+strings.Join(others, "\n  "))
}

// installedError says how the Bead that is on the hub is not the one to test, and what can be done about that.
func (s *stage) installedError(fit []string, how string) error {
	advice := "want a hub of its own, without --hub"
	if len(fit) > 0 {
		advice += fmt.Sprintf("; or the tests of the Bead as it is there, --run '^(%s)$'", strings.Join(fit, "|"))
	}
	return &hub.RequestError{Err: fmt.Errorf("bead %s is on hub %s already, %s\n%s", s.options.Folder.Metadata.Name,
		s.access.Name, how, advice)}
}
