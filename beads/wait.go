package beads

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/back-stack/backstack/beads/bead"
	"github.com/back-stack/backstack/hub"
	"github.com/back-stack/backstack/internal/argocd"
	"github.com/back-stack/backstack/internal/report"
)

const argoNamespace = "argocd"

var (
	applications = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "applications"}
	secrets      = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
)

// syncTries is how often Argo CD may fail to apply a Bead before there is no hope: what the API server refused three times
// it will refuse again.
const syncTries = 3

// revisions returns the commits that the Beads' Applications are at, by the Bead's name.
func (h *Hub) revisions(ctx context.Context, names []string) (map[string]string, error) {
	at := make(map[string]string, len(names))
	for _, name := range names {
		app, err := h.Client.Get(ctx, applications, argoNamespace, "bead-"+name)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("looking for the Application of Bead %s: %w", name, err)
		}
		at[name] = revision(app)
	}
	return at, nil
}

func revision(app *unstructured.Unstructured) string {
	text, _, _ := unstructured.NestedString(app.Object, "status", "sync", "revision")
	return text
}

// nudge makes Argo CD look for Beads now. It would do so by itself, a little later.
func (h *Hub) nudge(ctx context.Context) error {
	err := argocd.RefreshApplicationSet(ctx, h.Client, argoNamespace, "beads")
	if err != nil {
		return fmt.Errorf("telling Argo CD to look for Beads: %w", err)
	}
	return nil
}

// await waits until the Beads are Synced to what was committed, and Healthy. before are the commits that they were at; an
// empty revision means that nothing was committed.
func (h *Hub) await(ctx context.Context, names []string, committed string, before map[string]string, to report.Reporter) error {
	step := report.Start(to, "applications", "waiting for Argo CD")
	ctx, cancel := context.WithTimeoutCause(ctx, h.Timeout, fmt.Errorf("not done after %s", h.Timeout))
	defer cancel()
	if err := h.nudge(ctx); err != nil {
		step.Fail(err)
		return err
	}
	var waiting []hub.ApplicationStatus
	hopeless := false
	err := h.Client.UntilMatching(ctx, applications, argoNamespace, ofBeads(names...), func(
		present []*unstructured.Unstructured,
	) (bool, string) {
		waiting, hopeless = nil, false
		for _, name := range names {
			status, failed := h.standing(present, name, committed, before[name])
			if status != nil {
				waiting = append(waiting, *status)
				hopeless = hopeless || failed
			}
		}
		return len(waiting) == 0 || hopeless, hub.DescribeApplications(waiting)
	}, step.Wait)
	if err == nil && !hopeless {
		step.Done(strings.Join(names, ", ") + " Synced and Healthy")
		return nil
	}
	if err == nil {
		err = fmt.Errorf("waiting for Bead %s: Argo CD cannot apply it", strings.Join(names, ", "))
	}
	step.Fail(err)
	causes := make([]string, len(waiting))
	for i, app := range waiting {
		causes[i] = app.Cause()
	}
	return &hub.UnhealthyError{Err: err, Causes: causes}
}

// ofBeads selects what is labelled as one of the Beads': their Applications, and nobody else's of which there may be many.
func ofBeads(names ...string) metav1.ListOptions {
	return metav1.ListOptions{LabelSelector: bead.Label + " in (" + strings.Join(names, ",") + ")"}
}

// standing says what a Bead's Application waits for; nil if it is done. failed says that waiting will not help.
func (h *Hub) standing(
	present []*unstructured.Unstructured, name, committed, before string,
) (status *hub.ApplicationStatus, failed bool) {
	at := slices.IndexFunc(present, func(app *unstructured.Unstructured) bool { return app.GetName() == "bead-"+name })
	if at < 0 {
		return &hub.ApplicationStatus{Name: "bead-" + name, Sync: "Unknown", Health: "Missing", Reason: "not there yet"}, false
	}
	app := present[at]
	found := hub.ApplicationStatusOf(app)
	// Argo CD looks at a Bead's folder only when a commit changes it, so a newer commit may be somebody else's.
	fresh := committed == "" || revision(app) == committed || revision(app) != before
	switch {
	case !fresh && found.Healthy():
		found.Sync, found.Reason = "Unknown", "the newest commit has not been looked at yet"
		return &found, false
	case found.Healthy():
		return nil, false
	}
	return &found, fresh && hasFailed(app)
}

// hasFailed says whether applying has failed so often that it will not succeed by itself.
func hasFailed(app *unstructured.Unstructured) bool {
	phase, _, _ := unstructured.NestedString(app.Object, "status", "operationState", "phase")
	tries, _, _ := unstructured.NestedInt64(app.Object, "status", "operationState", "retryCount")
	message, _, _ := unstructured.NestedString(app.Object, "status", "operationState", "message")
	failing := strings.Contains(message, "failed") || strings.Contains(message, "Retrying")
	return phase == "Failed" || phase == "Error" || tries >= syncTries && failing
}

// missing says which of a Bead's secrets are not there.
func (h *Hub) missing(ctx context.Context, name string, s bead.SecretReference) []string {
	secret, err := h.Client.Get(ctx, secrets, s.Namespace, s.Name)
	if err == nil {
		if _, ok, _ := unstructured.NestedString(secret.Object, "data", s.Key); ok {
			return nil
		}
	} else if !apierrors.IsNotFound(err) {
		return []string{fmt.Sprintf("Bead %s uses Secret %s/%s, which could not be read: %v", name, s.Namespace, s.Name, err)}
	}
	return []string{fmt.Sprintf("Bead %s uses key %s of Secret %s/%s, which is not there yet: %s", name, s.Key, s.Namespace, s.Name,
		cmpOr(s.Description, "make it before the Bead is used"))}
}
