package hub

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/back-stack/backstack/hub/render"
	"github.com/back-stack/backstack/internal/argocd"
	"github.com/back-stack/backstack/internal/cluster"
	"github.com/back-stack/backstack/internal/kube"
	"github.com/back-stack/backstack/internal/report"
)

// rootApplication is the Application of all others.
const rootApplication = "hub"

var applications = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "applications"}

// applyRoot hands everything over to Argo CD: from here on Git decides. All Applications are applied with the root, which
// would apply them in the same way one wave after the other: what the waves are for is there already.
func (i *install) applyRoot(ctx context.Context, s *report.Step) (string, error) {
	if err := i.applyRepositoryLogin(ctx, i.repository); err != nil {
		return "", err
	}
	objects, err := render.Applications(i.tree)
	if err != nil {
		return "", err
	}
	present, err := i.client.List(ctx, applications, argoNamespace)
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(present, func(obj unstructured.Unstructured) bool { return obj.GetName() == rootApplication }) {
		i.learnAddresses(present)
		if len(i.moved) > 0 {
			if told, err := i.followRepositories(ctx); told || err != nil {
				return "the repositories have other addresses", err
			}
		}
		// The webhook has told Argo CD of the newest commit, unless it was not running then.
		for n := range present {
			if app := ApplicationStatusOf(&present[n]); i.stale(app) {
				err = errors.Join(err, i.refresh(ctx, app.Name))
			}
		}
		return "", err
	}
	// The root comes last: with it, the first install is over.
	last := len(objects) - 1
	if err := i.client.Apply(ctx, kube.ArgoCD, objects[:last]...); err != nil {
		return "", err
	}
	if err := i.client.Apply(ctx, kube.ArgoCD, objects[last]); err != nil {
		return "", err
	}
	return fmt.Sprintf("applied %d applications", len(objects)), nil
}

// refresh asks Argo CD to look at an Application and its repository again.
func (i *install) refresh(ctx context.Context, name string) error {
	change := map[string]any{"metadata": map[string]any{"annotations": refreshNow()}}
	if err := i.patchDelivery(ctx, applications, name, kube.Backstack, change); err != nil {
		return fmt.Errorf("refreshing application %s: %w", name, err)
	}
	return nil
}

// refreshAnnotation is on an Application while Argo CD is asked to look at it again.
const refreshAnnotation = "argocd.argoproj.io/refresh"

func refreshNow() map[string]any { return map[string]any{refreshAnnotation: "normal"} }

// patchDelivery changes an object of Argo CD's.
func (i *install) patchDelivery(
	ctx context.Context, resource schema.GroupVersionResource, name, manager string, change map[string]any,
) error {
	patch, err := json.Marshal(change)
	if err != nil {
		return fmt.Errorf("encoding a change of %s %s: %w", resource.Resource, name, err)
	}
	_, err = i.client.Dynamic().Resource(resource).Namespace(argoNamespace).Patch(
		ctx, name, types.MergePatchType, patch, metav1.PatchOptions{FieldManager: manager})
	return err
}

// awaitHealthy waits until every Application is Synced to the newest commit and Healthy.
func (i *install) awaitHealthy(ctx context.Context, s *report.Step) (string, error) {
	expected := map[string]bool{}
	objects, err := render.Applications(i.tree)
	if err != nil {
		return "", err
	}
	for _, obj := range objects {
		if obj.GetKind() == "Application" {
			expected[obj.GetName()] = true
		}
	}
	var lock sync.Mutex // for apps, waiting and last, and what nudge does
	var apps, waiting []ApplicationStatus
	var last []*unstructured.Unstructured
	until, err := i.watchApplications(ctx, s)
	if err != nil {
		return "", err
	}
	if len(i.moved) > 0 {
		defer i.keepTelling(ctx)()
	}
	nudge := i.newNudge()
	// What is wrong when Argo CD was asked a moment ago may be wrong still when nothing changes any more.
	stop := repeat(ctx, nudgePause/5, func() {
		lock.Lock()
		defer lock.Unlock()
		nudge(ctx, apps, waiting)
	})
	err = until(ctx, func(present []*unstructured.Unstructured) (bool, string) {
		lock.Lock()
		defer lock.Unlock()
		apps = make([]ApplicationStatus, len(present))
		for n, obj := range present {
			apps[n] = ApplicationStatusOf(obj)
		}
		nudge(ctx, apps, i.unhealthy(apps, expected)) // which may tell of a newer commit
		waiting, last = i.unhealthy(apps, expected), present
		return len(waiting) == 0, DescribeApplications(waiting)
	}, s.Wait)
	stop()
	if err != nil {
		causes := append(i.applicationCauses(ctx, waiting, last), i.podCauses(ctx)...)
		return "", &UnhealthyError{Err: fmt.Errorf("waiting for applications to be Synced and Healthy: %w", context.Cause(ctx)), Causes: causes}
	}
	return fmt.Sprintf("%d Synced and Healthy", len(last)), nil
}

// repeat calls f after each pause until the function that it returns is called, or ctx ends.
func repeat(ctx context.Context, pause time.Duration, f func()) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		ticker := time.NewTicker(pause)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				f()
			}
		}
	})
	return func() {
		cancel()
		running.Wait()
	}
}

// applicationCauses says why Applications are not healthy, after the wait for them has ended.
func (i *install) applicationCauses(ctx context.Context, waiting []ApplicationStatus, present []*unstructured.Unstructured) []string {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), causesTimeout)
	defer cancel()
	causes := make([]string, len(waiting))
	for n, app := range waiting {
		for _, object := range present {
			if object.GetName() == app.Name {
				app.addEvents(ctx, i.client, object)
			}
		}
		causes[n] = app.Cause()
	}
	return causes
}

// nudgePause is how long Argo CD is left alone between two requests to look again.
const nudgePause = 5 * time.Second

// newNudge returns a function that makes Argo CD look again, soon, at what it would look at minutes later: Applications
// that it could not compare or of which it has not seen the newest commit and, once nothing else is wrong, the ApplicationSet
// of the Beads, for which the repo-server did not answer, as after a restart of both. If not now, it looks by itself: errors
// are of no interest.
func (i *install) newNudge() func(ctx context.Context, apps, waiting []ApplicationStatus) {
	var last time.Time
	return func(ctx context.Context, apps, waiting []ApplicationStatus) {
		if time.Since(last) < nudgePause {
			return
		}
		if len(waiting) == 1 && waiting[0].Name == rootApplication && waiting[0].Health == "Degraded" {
			last = time.Now()
			_ = argocd.RefreshApplicationSet(ctx, i.client, argoNamespace, "beads")
		}
		behind := func(app ApplicationStatus) bool { return i.stale(app) && app.revision != "" }
		again := slices.DeleteFunc(slices.Clone(apps), func(app ApplicationStatus) bool {
			return !behind(app) && (app.Sync != "Unknown" || app.Reason == "")
		})
		if slices.ContainsFunc(again, behind) {
			i.followTip(ctx)
		}
		// Those too that are at the newest commit: they are looked at again because of this.
		for _, app := range again {
			last = time.Now()
			_ = i.refresh(ctx, app.Name)
		}
	}
}

// followTip takes what somebody has pushed to hub.git since this install looked for the commit that is to be applied.
func (i *install) followTip(ctx context.Context) {
	if tip, err := repository(i.repository, i.repository.Hub).Tip(ctx); err == nil && tip != "" {
		i.revision = tip
	}
}

// untilFunc waits until what it is given says of all Applications that it is satisfied; see kube.Client.Until.
type untilFunc func(ctx context.Context, satisfied func([]*unstructured.Unstructured) (bool, string), waiting func(string)) error

// watchApplications returns a way to watch the Applications until ctx ends: through Argo CD's own API where it runs as
// pods, which is then known to serve people too.
func (i *install) watchApplications(ctx context.Context, s *report.Step) (untilFunc, error) {
	if i.place.embedded != nil {
		return func(ctx context.Context, satisfied func([]*unstructured.Unstructured) (bool, string), waiting func(string)) error {
			return i.client.Until(ctx, applications, argoNamespace, satisfied, waiting)
		}, nil
	}
	s.Wait("Argo CD's API")
	if i.argoCD != nil {
		if client, err := i.argoCD(); err == nil {
			return client.Until, nil
		}
	}
	credentials, err := i.runtime.Credentials(ctx)
	if err != nil {
		return nil, err
	}
	for {
		client, err := connectArgoCD(ctx, i.client, credentials.AdminPassword)
		if err == nil {
			return client.Until, nil
		}
		if ctx.Err() != nil || argocd.Refused(err) {
			return nil, err
		}
		// A node that was started again says for a while that its pods are ready, as they were before.
		s.Wait("Argo CD's API: " + err.Error())
		select {
		case <-ctx.Done():
		case <-time.After(argoPause):
		}
	}
}

// argoPause is how long an API that is said to be ready, and does not answer, is left alone.
const argoPause = 2 * time.Second

// beginLogin logs in to Argo CD beside everything else, where the hub was installed before and components run as pods:
// against guesses, Argo CD takes up to a second for a login. Whether it succeeds is seen when it is needed.
func (i *install) beginLogin(ctx context.Context) {
	if i.place.embedded != nil {
		return
	}
	password, err := i.options.Home.layout(i.spec.Metadata.Name).Secrets().Get(cluster.AdminPassword)
	if err != nil || password == "" {
		return
	}
	client, err := kube.New(i.place.Kubeconfig())
	if err != nil {
		return
	}
	i.argoCD = sync.OnceValues(func() (*argocd.Client, error) { return connectArgoCD(ctx, client, password) })
	go func() { _, _ = i.argoCD() }()
}

// connectArgoCD logs in to Argo CD, by a way that lasts until ctx ends.
func connectArgoCD(ctx context.Context, client *kube.Client, password string) (*argocd.Client, error) {
	forward, err := client.Forward(ctx, argoNamespace, "app.kubernetes.io/name=argocd-server", argoPort)
	if err != nil {
		return nil, fmt.Errorf("reaching Argo CD's API: %w", err)
	}
	connected, err := argocd.Connect(ctx, argocd.Options{
		Address: forward.Address(), PlainText: true, Username: "admin", Password: password,
	})
	if err != nil {
		forward.Close()
		return nil, err
	}
	return connected, nil
}

// argoPort is where Argo CD's pod serves its API.
const argoPort = 8080

// unhealthy lists the applications that are not done with the newest commit, and those that are not there yet.
func (i *install) unhealthy(apps []ApplicationStatus, expected map[string]bool) []ApplicationStatus {
	missing := maps.Clone(expected)
	var waiting []ApplicationStatus
	for _, app := range apps {
		delete(missing, app.Name)
		if i.stale(app) && app.Healthy() {
			app.Sync, app.Reason = "Unknown", "the newest commit has not been looked at yet"
		}
		if app.busy && len(i.moved) > 0 && app.Healthy() {
			// What Argo CD does may have begun with an old address, and would put that back after this install.
			app.Sync, app.Reason = "Unknown", "an operation runs or a comparison is asked for"
		}
		if !app.Healthy() {
			waiting = append(waiting, app)
		}
	}
	for name := range missing {
		waiting = append(waiting, ApplicationStatus{Name: name, Sync: "Unknown", Health: "Missing", Reason: "not there yet"})
	}
	slices.SortFunc(waiting, func(a, b ApplicationStatus) int { return strings.Compare(a.Name, b.Name) })
	return waiting
}

// DescribeApplications names the applications that are waited for, and what they are.
func DescribeApplications(waiting []ApplicationStatus) string {
	parts := make([]string, len(waiting))
	for n, app := range waiting {
		parts[n] = fmt.Sprintf("%s (%s, %s)", app.Name, app.Sync, app.Health)
	}
	return strings.Join(parts, ", ")
}

// stale says whether Argo CD has not looked at hub.git's newest commit for an Application, or at another address. For a Bead it
// looks only when a commit changes the Bead's folder, so an older commit says nothing.
func (i *install) stale(app ApplicationStatus) bool {
	if _, old := i.moved[app.repository]; old {
		return true
	}
	return app.repository == i.repository.Hub && !strings.HasPrefix(app.project, "bead") && app.revision != i.revision
}

// secretValue decodes a value of a Secret; "" if there is none.
func secretValue(secret *unstructured.Unstructured, key string) string {
	encoded, _, _ := unstructured.NestedString(secret.Object, "data", key)
	value, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return ""
	}
	return string(value)
}
