package beads

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/hub"
	"github.com/back-stack/backstack/internal/kube"
	"github.com/back-stack/backstack/internal/report"
)

// Remove takes a Bead off the hub and waits until what it brought is gone. The error is a *hub.RefusedError that lists
// what is in the way: Beads that require it, and what people asked for of the kinds that it defines. force removes it all
// the same, and what people asked for with it.
func (h *Hub) Remove(ctx context.Context, name string, dryRun, force bool, to report.Reporter) (*Change, error) {
	step := report.Start(to, "plan", "looking for what is in the way")
	checkout, err := h.Repository.Checkout(ctx)
	if err != nil {
		step.Fail(err)
		return nil, err
	}
	there, err := h.removable(ctx, checkout.Files, name, force)
	if err != nil {
		step.Fail(err)
		return nil, err
	}
	change := &Change{Bead: name, From: there.Version(), Files: []File{}, Objects: []string{}}
	after := maps.Clone(checkout.Files)
	put(after, name, nil)
	change.Files = compare(checkout.Files, after)
	step.Done(fmt.Sprintf("%d files", len(change.Files)))
	if dryRun {
		return change, nil
	}
	stopped, err := h.stopUsing(ctx, there, change, to)
	if err != nil {
		return change, err
	}
	if stopped {
		checkout = nil
	}
	err = h.write(ctx, change, change.title(), checkout, to, func(files map[string][]byte) error {
		if _, err := h.removable(ctx, files, name, force); err != nil {
			return err
		}
		put(files, name, nil)
		return nil
	})
	if err != nil || change.PullRequest != "" || h.NoWait {
		return change, err
	}
	return change, h.awaitGone(ctx, there, to)
}

// removable returns the Bead called name, unless something is in the way of removing it.
func (h *Hub) removable(ctx context.Context, files map[string][]byte, name string, force bool) (Installed, error) {
	present, err := installed(files)
	if err != nil {
		return Installed{}, err
	}
	there, ok := find(present, name)
	if !ok {
		// Whoever was interrupted after the commit may still have to wait for what it brought to be gone.
		if _, err := h.Client.Get(ctx, applications, argoNamespace, "bead-"+name); err == nil {
			return Installed{Name: name}, nil
		}
		return Installed{}, &hub.RequestError{Err: unknown(name, present, h.Name)}
	}
	var obstacles []string
	for _, other := range present {
		if versions, requires := requirement(other, name); requires {
			obstacles = append(obstacles, fmt.Sprintf("Bead %s requires it (%s)", other.Name, cmpOr(versions, "any version")))
		}
	}
	if !force {
		claims, err := h.claims(ctx, there)
		if err != nil {
			return Installed{}, err
		}
		for _, claim := range claims {
			obstacles = append(obstacles, kube.Describe(claim)+" is of a kind that it defines")
		}
	}
	if len(obstacles) > 0 {
		return Installed{}, &hub.RefusedError{Err: fmt.Errorf("bead %s is in use:\n  %s\nremove these first", name,
			strings.Join(obstacles, "\n  "))}
	}
	return there, nil
}

// claims returns what people asked for of the kinds that a Bead defines.
func (h *Hub) claims(ctx context.Context, there Installed) ([]*unstructured.Unstructured, error) {
	objects, err := applied(there.Files)
	if err != nil {
		return nil, fmt.Errorf("reading Bead %s in hub.git: %w", there.Name, err)
	}
	var claims []*unstructured.Unstructured
	for _, object := range objects {
		if object.GetKind() != definition {
			continue
		}
		found, err := h.instances(ctx, object)
		if err != nil {
			return nil, err
		}
		claims = append(claims, found...)
	}
	return claims, nil
}

// isPackage says whether an object is a Crossplane package, whose programs the Bead's other objects need to go away.
func isPackage(object *unstructured.Unstructured) bool {
	return object.GroupVersionKind().Group == "pkg.crossplane.io"
}

// stopUsing removes, in a commit of its own, what a Bead's packages look after: a ProviderConfig whose provider is gone
// keeps its finalizer for ever. committed says whether there was any of that.
func (h *Hub) stopUsing(ctx context.Context, there Installed, change *Change, to report.Reporter) (committed bool, err error) {
	packages := make(bead.Files)
	others := 0
	for name, content := range there.Files {
		objects, err := applied(bead.Files{name: content})
		if err != nil {
			return false, err
		}
		switch {
		case len(objects) == 0, slices.ContainsFunc(objects, isPackage):
			packages[name] = content
		default:
			others++
		}
	}
	if others == 0 || h.Proposing != nil || !slices.ContainsFunc(slices.Collect(maps.Values(packages)), holdsPackage) {
		return false, nil
	}
	before, err := h.revisions(ctx, []string{there.Name})
	if err != nil {
		return false, err
	}
	first := *change
	err = h.write(ctx, &first, fmt.Sprintf("Remove what Bead %s's packages look after", there.Name), nil, to,
		func(files map[string][]byte) error {
			put(files, there.Name, packages)
			return nil
		})
	if err != nil {
		return false, err
	}
	return true, h.await(ctx, []string{there.Name}, first.Revision, before, to)
}

func holdsPackage(content []byte) bool {
	objects, err := applied(bead.Files{"a.yaml": content})
	return err == nil && slices.ContainsFunc(objects, isPackage)
}

// awaitGone waits until a Bead's Applications are gone: Argo CD deletes them when everything is that they applied. What
// the Bead's policies generated goes after them: those in hub.git, and those that the Applications applied, for a Bead
// that is no longer in hub.git but still there.
func (h *Hub) awaitGone(ctx context.Context, there Installed, to report.Reporter) error {
	name := there.Name
	objects, err := applied(there.Files)
	if err != nil {
		return fmt.Errorf("reading Bead %s in hub.git: %w", name, err)
	}
	generating := kube.GeneratingPolicies(objects)
	step := report.Start(to, "removal", "waiting for Argo CD")
	ctx, cancel := context.WithTimeoutCause(ctx, h.Timeout, fmt.Errorf("not done after %s", h.Timeout))
	defer cancel()
	if err := h.nudge(ctx); err != nil {
		step.Fail(err)
		return err
	}
	var left []string
	var fault error
	err = h.Client.UntilMatching(ctx, applications, argoNamespace, ofBeads(name), func(
		present []*unstructured.Unstructured,
	) (bool, string) {
		left = nil
		for _, app := range present {
			left = append(left, remains(app))
			generating = append(generating, kube.GeneratingPolicies(resourcesOf(app))...)
			fault = h.stopSync(ctx, app)
		}
		return len(left) == 0 || fault != nil, "Bead " + name + " to be removed"
	}, step.Wait)
	if err = errors.Join(err, fault); err != nil {
		step.Fail(err)
		return &hub.UnhealthyError{Err: err, Causes: left}
	}
	generated, err := h.Client.RemoveGenerated(ctx, generating)
	if err != nil {
		step.Fail(err)
		return fmt.Errorf("removing what Bead %s's policies generated: %w", name, err)
	}
	gone := "Bead " + name + " is gone"
	if len(generated) > 0 {
		gone += ", and what its policies generated: " + strings.Join(generated, ", ")
	}
	step.Done(gone)
	return nil
}

// stopSync ends the sync of an Application that is to be deleted. Argo CD deletes what an Application applied only when
// no sync is under way, and one that fails is tried again for minutes. This is what `argocd app terminate-op` does.
func (h *Hub) stopSync(ctx context.Context, app *unstructured.Unstructured) error {
	phase, _, _ := unstructured.NestedString(app.Object, "status", "operationState", "phase")
	if app.GetDeletionTimestamp() == nil || phase != "Running" {
		return nil
	}
	patch := []byte(`{"status":{"operationState":{"phase":"Terminating"}}}`)
	_, err := h.Client.Dynamic().Resource(applications).Namespace(argoNamespace).Patch(
		ctx, app.GetName(), types.MergePatchType, patch, metav1.PatchOptions{FieldManager: kube.Backstack})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("ending the sync of application %s: %w", app.GetName(), err)
	}
	return nil
}

// resourcesOf are the objects that an Application applied, with no more than what they are called.
func resourcesOf(app *unstructured.Unstructured) []*unstructured.Unstructured {
	var objects []*unstructured.Unstructured
	resources, _, _ := unstructured.NestedSlice(app.Object, "status", "resources")
	for _, item := range resources {
		if resource, ok := item.(map[string]any); ok {
			object := new(unstructured.Unstructured)
			text := func(key string) string { value, _ := resource[key].(string); return value }
			object.SetGroupVersionKind(schema.GroupVersionKind{
				Group: text("group"), Version: text("version"), Kind: text("kind"),
			})
			object.SetNamespace(text("namespace"))
			object.SetName(text("name"))
			objects = append(objects, object)
		}
	}
	return objects
}

// remains says what of an Application that is being deleted is still there.
func remains(app *unstructured.Unstructured) string {
	var names []string
	for _, object := range resourcesOf(app) {
		names = append(names, object.GetKind()+" "+object.GetName())
	}
	text := "application " + app.GetName() + " is still there"
	if len(names) > 0 {
		text += ", with " + strings.Join(names, ", ")
	}
	conditions, _, _ := unstructured.NestedSlice(app.Object, "status", "conditions")
	for _, item := range conditions {
		if condition, ok := item.(map[string]any); ok {
			text += fmt.Sprint(": ", condition["message"])
		}
	}
	return text
}
