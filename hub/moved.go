package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/back-stack/backstack/internal/atomicfile"
	"github.com/back-stack/backstack/internal/cluster"
	"github.com/back-stack/backstack/internal/kube"
)

// deliveryResources are what Argo CD keeps addresses of repositories in. Applications come first: one that still has an old
// address puts the others back to what is written there.
func deliveryResources() []schema.GroupVersionResource {
	resource := func(name string) schema.GroupVersionResource {
		return schema.GroupVersionResource{Group: applications.Group, Version: applications.Version, Resource: name}
	}
	return []schema.GroupVersionResource{applications, resource("applicationsets"), resource("appprojects")}
}

// addressesFile is the file in a hub's state folder with every address that its repositories had, the newest last.
const addressesFile = "repositories.json"

// addresses are those that the repositories of a hub had.
type addresses struct {
	Hub      []string `json:"hub"`
	Requests []string `json:"requests"`
}

// rememberAddresses keeps the addresses that a hub's repositories have now, and returns these by those that they had. A
// cluster does not tell: an install that ended early may have told Argo CD one half, and the other half is put back by an
// operation that Argo CD had begun.
func rememberAddresses(dir string, now *cluster.Git) (moved map[string]string, err error) {
	file := filepath.Join(dir, addressesFile)
	data, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("reading the addresses that the repositories had: %w", err)
	}
	var known addresses
	if err == nil {
		if err := json.Unmarshal(data, &known); err != nil {
			return nil, fmt.Errorf("reading the addresses that the repositories had: %s: %w: want it as backstack wrote it, or removed",
				file, err)
		}
	}
	moved = map[string]string{}
	for _, repository := range []struct {
		had *[]string
		now string
	}{{&known.Hub, now.Hub}, {&known.Requests, now.Requests}} {
		*repository.had = slices.DeleteFunc(*repository.had, func(url string) bool { return url == repository.now })
		for _, url := range *repository.had {
			moved[url] = repository.now
		}
		*repository.had = append(*repository.had, repository.now)
	}
	// What one of the two had and the other has now is no former address.
	delete(moved, now.Hub)
	delete(moved, now.Requests)
	if data, err = json.MarshalIndent(known, "", "  "); err != nil {
		return nil, fmt.Errorf("encoding the addresses of the repositories: %w", err)
	}
	return moved, atomicfile.Write(file, append(data, '\n'), 0o600)
}

// requestsApplication is the Application of the repository of requests.
const requestsApplication = "requests"

// learnAddresses adds what the Applications of the repositories come from to the addresses that these had: a hub that an
// older backstack made has remembered none.
func (i *install) learnAddresses(present []unstructured.Unstructured) {
	now := map[string]string{rootApplication: i.repository.Hub, requestsApplication: i.repository.Requests}
	for n := range present {
		url, ours := now[present[n].GetName()]
		known := ApplicationStatusOf(&present[n]).repository
		if ours && known != "" && known != i.repository.Hub && known != i.repository.Requests {
			i.moved[known] = url
		}
	}
}

// followRepositories tells Argo CD the new addresses of repositories, and returns whether there was anything to tell. They are
// in Git too, which it does not find by the old ones.
func (i *install) followRepositories(ctx context.Context) (bool, error) {
	told := false
	for _, resource := range deliveryResources() {
		present, err := i.client.List(ctx, resource, argoNamespace)
		if err != nil {
			return told, err
		}
		for n := range present {
			some, err := i.tellAddresses(ctx, resource, &present[n])
			if err != nil {
				return told, err
			}
			told = told || some
		}
	}
	return told, nil
}

// keepTelling does the same whenever an old address is back, until the function that it returns is called: an operation that
// Argo CD had begun ends with what was written at the old address.
func (i *install) keepTelling(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var watches sync.WaitGroup
	for _, resource := range deliveryResources() {
		told := map[string]bool{}
		watches.Go(func() {
			_ = i.client.Until(ctx, resource, argoNamespace, func(present []*unstructured.Unstructured) (bool, string) {
				for _, object := range present {
					name := object.GetName()
					switch some := i.tellUntilHeard(ctx, resource, object); {
					case some:
						told[name] = true
					case told[name]:
						// Argo CD knows it as well by now.
						delete(told, name)
						i.refreshProject(ctx, resource, name)
					}
				}
				return false, ""
			}, nil)
		})
	}
	return func() {
		cancel()
		watches.Wait()
	}
}

// tellPause is how long an API server that did not take a change is left alone.
const tellPause = 200 * time.Millisecond

// tellUntilHeard is tellAddresses, again and again where it fails.
func (i *install) tellUntilHeard(ctx context.Context, resource schema.GroupVersionResource, object *unstructured.Unstructured) bool {
	for {
		some, err := i.tellAddresses(ctx, resource, object)
		if err == nil || ctx.Err() != nil {
			return some
		}
		select {
		case <-ctx.Done():
		case <-time.After(tellPause):
		}
	}
}

// refreshProject has Argo CD look again at the Applications of a project, if resource is that of projects: it does not when
// the project changes.
func (i *install) refreshProject(ctx context.Context, resource schema.GroupVersionResource, name string) {
	if resource.Resource != "appprojects" {
		return
	}
	present, err := i.client.List(ctx, applications, argoNamespace)
	if err != nil {
		return
	}
	for n := range present {
		if app := ApplicationStatusOf(&present[n]); app.project == name {
			_ = i.refresh(ctx, app.Name)
		}
	}
}

// tellAddresses replaces the old addresses in an object of Argo CD's, and returns whether there were any. One that has changed
// since it was read is left alone, for keepTelling to see what it is now.
func (i *install) tellAddresses(
	ctx context.Context, resource schema.GroupVersionResource, object *unstructured.Unstructured,
) (bool, error) {
	change := newAddresses(object, i.moved)
	if len(change) == 0 {
		return false, nil
	}
	// An operation that has ended meanwhile must not be said to run.
	_ = unstructured.SetNestedField(change, object.GetResourceVersion(), "metadata", "resourceVersion")
	err := i.patchDelivery(ctx, resource, object.GetName(), kube.ArgoCD, change)
	if err != nil && !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) {
		return false, fmt.Errorf("telling %s the new address of its repository: %w", kube.Describe(object), err)
	}
	return true, nil
}

// newAddresses returns what is to change in an object of Argo CD's for it to have no old address: what somebody wants of it,
// and an operation that runs, which Argo CD would try again by the old one for a quarter of an hour. Argo CD is to look at an
// Application again then.
func newAddresses(object *unstructured.Unstructured, moved map[string]string) map[string]any {
	object = object.DeepCopy() // a watch's own stays as it is
	change := map[string]any{}
	if wanted, some := readdressed(object.Object["spec"], moved); some {
		change["spec"] = wanted
	}
	if operation, some := readdressed(object.Object["operation"], moved); some {
		change["operation"] = operation
	}
	state, _, _ := unstructured.NestedMap(object.Object, "status", "operationState")
	if phase := state["phase"]; phase == "Running" {
		if state, some := readdressed(state, moved); some {
			change["status"] = map[string]any{"operationState": state}
		}
	}
	if len(change) > 0 && object.GetKind() == "Application" {
		// What Argo CD has found wrong at the old address would stay: by its last comparison, which was with the new one, there is
		// no need for another.
		change["metadata"] = map[string]any{"annotations": refreshNow()}
	}
	return change
}

// readdressed returns a value with every text in it that is a key of moved replaced, and whether there was one.
func readdressed(value any, moved map[string]string) (changed any, some bool) {
	switch value := value.(type) {
	case string:
		if now, ok := moved[value]; ok {
			return now, true
		}
	case []any:
		for n, item := range value {
			if now, ok := readdressed(item, moved); ok {
				value[n], some = now, true
			}
		}
	case map[string]any:
		for key, item := range value {
			if now, ok := readdressed(item, moved); ok {
				value[key], some = now, true
			}
		}
	}
	return value, some
}

// sourceLine is where a YAML file of Argo CD's has the address of a repository.
var sourceLine = regexp.MustCompile(`(?m)^([ -]*repoURL: +["']?)([^"'\s]+)`)

// readdressFiles returns what replaces the former addresses of repositories in files of theirs that backstack does not render,
// as those of a Bead for spokes and people's own Applications; nil if there are no former addresses.
func (i *install) readdressFiles() func(name string, content []byte) []byte {
	if len(i.moved) == 0 {
		return nil
	}
	return func(name string, content []byte) []byte {
		if extension := path.Ext(name); extension != ".yaml" && extension != ".yml" {
			return content
		}
		return sourceLine.ReplaceAllFunc(content, func(line []byte) []byte {
			parts := sourceLine.FindSubmatch(line)
			now, some := i.moved[string(parts[2])]
			if !some {
				return line
			}
			return append(slices.Clone(parts[1]), now...)
		})
	}
}
