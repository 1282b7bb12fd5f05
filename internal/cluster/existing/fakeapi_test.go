package existing

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"
)

// fakeAPI is an API server that keeps objects as a real one does: finalizers hold them, a namespace goes when it is
// empty, a definition when it has no objects, and what belongs to an object that is gone goes too. There is nothing
// that admits or validates, and nobody else who changes anything.
type fakeAPI struct {
	*httptest.Server
	Version string
	Token   string                                        // the one that is taken
	Denies  func(authorizationv1.ResourceAttributes) bool // what the account may not do; nil: nothing

	mu       sync.Mutex
	changed  *sync.Cond
	closed   bool
	objects  map[string]*unstructured.Unstructured // by path
	events   []fakeEvent
	requests []string                  // METHOD path of what changes something
	fail     func(request string) bool // whether to break off instead of a change
}

type fakeEvent struct {
	kind   string // ADDED, MODIFIED, DELETED
	path   string
	object *unstructured.Unstructured
}

// fakeKinds are those that the API server has by itself: group/version, plural, kind, whether namespaced.
var fakeKinds = [][4]string{
	{"v1", "namespaces", "Namespace", ""},
	{"v1", "pods", "Pod", "yes"},
	{"v1", "secrets", "Secret", "yes"},
	{"v1", "services", "Service", "yes"},
	{"v1", "configmaps", "ConfigMap", "yes"},
	{"v1", "persistentvolumes", "PersistentVolume", ""},
	{"apps/v1", "deployments", "Deployment", "yes"},
	{"apps/v1", "statefulsets", "StatefulSet", "yes"},
	{"apps/v1", "daemonsets", "DaemonSet", "yes"},
	{"apps/v1", "replicasets", "ReplicaSet", "yes"},
	{"batch/v1", "jobs", "Job", "yes"},
	{"batch/v1", "cronjobs", "CronJob", "yes"},
	{"rbac.authorization.k8s.io/v1", "clusterroles", "ClusterRole", ""},
	{"rbac.authorization.k8s.io/v1", "clusterrolebindings", "ClusterRoleBinding", ""},
	{"admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", ""},
	{"admissionregistration.k8s.io/v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", ""},
	{"apiregistration.k8s.io/v1", "apiservices", "APIService", ""},
	{"apiextensions.k8s.io/v1", "customresourcedefinitions", "CustomResourceDefinition", ""},
	{"storage.k8s.io/v1", "storageclasses", "StorageClass", ""},
}

// newFakeAPI starts an API server with the namespaces of a new cluster and the objects in manifests.
func newFakeAPI(t *testing.T, manifests ...string) *fakeAPI {
	t.Helper()
	f := &fakeAPI{Version: "v1.36.3", Token: "good", objects: map[string]*unstructured.Unstructured{}}
	f.changed = sync.NewCond(&f.mu)
	f.Server = httptest.NewUnstartedServer(http.HandlerFunc(f.serve))
	f.EnableHTTP2 = true
	f.StartTLS()
	t.Cleanup(func() {
		f.mu.Lock()
		f.closed = true
		f.changed.Broadcast()
		f.mu.Unlock()
		f.CloseClientConnections()
		f.Close()
	})
	f.Add(t, "{apiVersion: v1, kind: Namespace, metadata: {name: default}}",
		"{apiVersion: v1, kind: Namespace, metadata: {name: kube-system, uid: this-cluster}}")
	f.Add(t, manifests...)
	return f
}

// Add puts objects on the server: documents of YAML with --- between them.
func (f *fakeAPI) Add(t *testing.T, manifests ...string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, document := range strings.Split(strings.Join(manifests, "\n---\n"), "\n---\n") {
		obj := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(document), &obj.Object); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		if obj.Object == nil {
			continue
		}
		path, ok := f.pathOf(obj)
		if !ok {
			t.Fatalf("the fake API server does not serve %s", obj.GroupVersionKind())
		}
		f.put(path, obj, "ADDED")
	}
}

// Left returns Kind namespace/name of all objects, sorted.
func (f *fakeAPI) Left() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	for _, obj := range f.objects {
		names = append(names, obj.GetKind()+" "+strings.TrimPrefix(obj.GetNamespace()+"/"+obj.GetName(), "/"))
	}
	slices.Sort(names)
	return names
}

// Requests returns METHOD path of the requests that changed something, in order.
func (f *fakeAPI) Requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

// Kubeconfig writes a kubeconfig with a context called prod, and returns its path.
func (f *fakeAPI) Kubeconfig(t *testing.T) string {
	t.Helper()
	return writeKubeconfig(t, f.URL, string(certificatePEM(f.Certificate().Raw)), "token: "+f.Token)
}

// writeKubeconfig writes a kubeconfig with the one context prod. user is the inside of a flow mapping.
func writeKubeconfig(t *testing.T, server, ca, user string) string {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "ca.crt"), ca)
	path := filepath.Join(dir, "config")
	writeFile(t, path, fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: other
clusters:
- {name: here, cluster: {server: %q, certificate-authority: ca.crt}}
- {name: there, cluster: {server: "https://there.invalid"}}
contexts:
- {name: prod, context: {cluster: here, user: me}}
- {name: other, context: {cluster: there, user: me}}
users:
- {name: me, user: {%s}}
`, server, user))
	return path
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// resources returns all kinds, those of definitions among them: group/version, plural, kind, whether namespaced.
func (f *fakeAPI) resources() [][4]string {
	all := slices.Clone(fakeKinds)
	for _, obj := range f.objects {
		if obj.GetKind() != "CustomResourceDefinition" {
			continue
		}
		text := func(path ...string) string {
			value, _, _ := unstructured.NestedString(obj.Object, append([]string{"spec"}, path...)...)
			return value
		}
		namespaced := ""
		if text("scope") == "Namespaced" {
			namespaced = "yes"
		}
		version := text("group") + "/" + servedVersion(obj)
		all = append(all, [4]string{version, text("names", "plural"), text("names", "kind"), namespaced})
	}
	return all
}

func servedVersion(definition *unstructured.Unstructured) string {
	versions, _, _ := unstructured.NestedSlice(definition.Object, "spec", "versions")
	name, _, _ := unstructured.NestedString(versions[0].(map[string]any), "name")
	return name
}

func root(groupVersion string) string {
	if groupVersion == "v1" {
		return "/api/v1"
	}
	return "/apis/" + groupVersion
}

func (f *fakeAPI) pathOf(obj *unstructured.Unstructured) (string, bool) {
	for _, r := range f.resources() {
		if r[0] == obj.GetAPIVersion() && r[2] == obj.GetKind() {
			path := root(r[0])
			if r[3] != "" {
				path += "/namespaces/" + obj.GetNamespace()
			}
			return path + "/" + r[1] + "/" + obj.GetName(), true
		}
	}
	return "", false
}

func (f *fakeAPI) put(path string, obj *unstructured.Unstructured, event string) {
	if obj.GetUID() == "" {
		_ = unstructured.SetNestedField(obj.Object, path, "metadata", "uid")
	}
	obj.SetResourceVersion(strconv.Itoa(len(f.events) + 1))
	f.objects[path] = obj
	f.emit(event, path, obj)
}

func (f *fakeAPI) emit(kind, path string, obj *unstructured.Unstructured) {
	copied := obj.DeepCopy()
	copied.SetResourceVersion(strconv.Itoa(len(f.events) + 1))
	f.events = append(f.events, fakeEvent{kind, path, copied})
	f.changed.Broadcast()
}

func (f *fakeAPI) drop(path string) {
	obj := f.objects[path]
	delete(f.objects, path)
	f.emit("DELETED", path, obj)
}

// orphan takes an owner off what belongs to it.
func (f *fakeAPI) orphan(owner types.UID) {
	for _, path := range slices.Sorted(maps.Keys(f.objects)) {
		obj := f.objects[path]
		rest := slices.DeleteFunc(obj.GetOwnerReferences(), func(r metav1.OwnerReference) bool { return r.UID == owner })
		if len(rest) < len(obj.GetOwnerReferences()) {
			obj.SetOwnerReferences(rest)
			f.put(path, obj, "MODIFIED")
		}
	}
}

// remove is what a DELETE does.
func (f *fakeAPI) remove(path string) {
	obj := f.objects[path]
	kind := obj.GetKind()
	if len(obj.GetFinalizers()) > 0 || kind == "Namespace" || kind == "CustomResourceDefinition" {
		if obj.GetDeletionTimestamp() == nil {
			now := metav1.Now()
			obj.SetDeletionTimestamp(&now)
			f.put(path, obj, "MODIFIED")
		}
		return
	}
	f.drop(path)
}

// settle does what the controllers of a cluster do after a change, until there is nothing more to do.
func (f *fakeAPI) settle() {
	for again := true; again; {
		before := len(f.events)
		uids := map[string]bool{}
		for _, obj := range f.objects {
			uids[string(obj.GetUID())] = true
		}
		for _, path := range slices.Sorted(maps.Keys(f.objects)) {
			obj, ok := f.objects[path]
			if !ok {
				continue
			}
			owned := slices.ContainsFunc(obj.GetOwnerReferences(), func(owner metav1.OwnerReference) bool {
				return !uids[string(owner.UID)]
			})
			switch {
			case owned && obj.GetDeletionTimestamp() == nil:
				f.remove(path)
			case obj.GetDeletionTimestamp() == nil:
			case obj.GetKind() == "Namespace":
				f.finish(path, func(other *unstructured.Unstructured) bool { return other.GetNamespace() == obj.GetName() })
			case obj.GetKind() == "CustomResourceDefinition":
				group, _, _ := unstructured.NestedString(obj.Object, "spec", "group")
				kind, _, _ := unstructured.NestedString(obj.Object, "spec", "names", "kind")
				f.finish(path, func(other *unstructured.Unstructured) bool {
					return other.GroupVersionKind().Group == group && other.GetKind() == kind
				})
			case len(obj.GetFinalizers()) == 0:
				f.drop(path)
			}
		}
		again = len(f.events) > before
	}
}

// finish deletes what goes with the object at path, and that when nothing of it is left.
func (f *fakeAPI) finish(path string, goes func(*unstructured.Unstructured) bool) {
	empty := true
	for _, other := range slices.Sorted(maps.Keys(f.objects)) {
		if obj := f.objects[other]; obj != nil && goes(obj) {
			f.remove(other)
			empty = empty && f.objects[other] == nil
		}
	}
	if empty {
		f.drop(path)
	}
}

func (f *fakeAPI) serve(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+f.Token {
		fault(w, http.StatusUnauthorized, metav1.StatusReasonUnauthorized)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case r.URL.Path == "/version":
		answer(w, map[string]any{"gitVersion": f.Version})
	case r.URL.Path == "/api":
		answer(w, map[string]any{"kind": "APIVersions", "versions": []string{"v1"}})
	case r.URL.Path == "/apis":
		f.serveGroups(w)
	case strings.HasSuffix(r.URL.Path, "/selfsubjectaccessreviews"):
		f.serveAccess(w, r)
	case strings.HasSuffix(r.URL.Path, "/selfsubjectreviews"):
		answer(w, map[string]any{"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1",
			"status": map[string]any{"userInfo": map[string]any{"username": "dev"}}})
	default:
		f.serveObjects(w, r)
	}
}

func (f *fakeAPI) serveGroups(w http.ResponseWriter) {
	groups := map[string]map[string]any{}
	for _, r := range f.resources() {
		if group, version, ok := strings.Cut(r[0], "/"); ok {
			at := map[string]any{"groupVersion": r[0], "version": version}
			groups[group] = map[string]any{"name": group, "versions": []any{at}, "preferredVersion": at}
		}
	}
	answer(w, map[string]any{"kind": "APIGroupList", "apiVersion": "v1", "groups": slices.Collect(maps.Values(groups))})
}

func (f *fakeAPI) serveAccess(w http.ResponseWriter, r *http.Request) {
	scheme := runtime.NewScheme()
	_ = authorizationv1.AddToScheme(scheme)
	body, _ := io.ReadAll(r.Body)
	var review authorizationv1.SelfSubjectAccessReview
	// In Protocol Buffers, as typed clients ask.
	if _, _, err := serializer.NewCodecFactory(scheme).UniversalDeserializer().Decode(body, nil, &review); err != nil {
		fault(w, http.StatusBadRequest, metav1.StatusReasonBadRequest)
		return
	}
	review.Status.Allowed = f.Denies == nil || !f.Denies(*review.Spec.ResourceAttributes)
	answer(w, review)
}

func (f *fakeAPI) serveObjects(w http.ResponseWriter, r *http.Request) {
	for _, resource := range f.resources() {
		prefix := root(resource[0])
		if r.URL.Path == prefix {
			f.serveResources(w, resource[0])
			return
		}
		parts, ok := strings.CutPrefix(r.URL.Path, prefix+"/")
		if !ok {
			continue
		}
		names := strings.Split(parts, "/")
		namespace := ""
		if len(names) > 2 && names[0] == "namespaces" {
			namespace, names = names[1], names[2:]
		}
		if names[0] != resource[1] {
			continue
		}
		switch {
		case len(names) > 1:
			f.serveObject(w, r)
		case r.URL.Query().Get("watch") != "":
			f.serveWatch(w, r, resource, namespace)
		default:
			f.serveList(w, r, resource, namespace)
		}
		return
	}
	fault(w, http.StatusNotFound, metav1.StatusReasonNotFound)
}

func (f *fakeAPI) serveResources(w http.ResponseWriter, groupVersion string) {
	var list []any
	for _, r := range f.resources() {
		if r[0] == groupVersion {
			list = append(list, map[string]any{
				"name": r[1], "kind": r[2], "namespaced": r[3] != "", "verbs": []string{"get", "list", "watch", "delete", "patch"},
			})
		}
	}
	answer(w, map[string]any{
		"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": groupVersion, "resources": list,
	})
}

// matches says whether a path is one of an object of a kind in a namespace, or in any if it is empty.
func matches(path string, resource [4]string, namespace string) bool {
	rest, ok := strings.CutPrefix(path, root(resource[0])+"/")
	if !ok {
		return false
	}
	names := strings.Split(rest, "/")
	if resource[3] != "" {
		return len(names) == 4 && names[2] == resource[1] && (namespace == "" || names[1] == namespace)
	}
	return len(names) == 2 && names[0] == resource[1]
}

// view is an object as the request wants it.
func view(r *http.Request, obj *unstructured.Unstructured) map[string]any {
	if !strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadata") {
		return obj.Object
	}
	return map[string]any{
		"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": obj.Object["metadata"],
	}
}

func (f *fakeAPI) serveList(w http.ResponseWriter, r *http.Request, resource [4]string, namespace string) {
	items := []any{}
	for _, path := range slices.Sorted(maps.Keys(f.objects)) {
		if matches(path, resource, namespace) {
			items = append(items, view(r, f.objects[path]))
		}
	}
	list := map[string]any{
		"apiVersion": resource[0], "kind": resource[2] + "List", "items": items,
		"metadata": map[string]any{"resourceVersion": strconv.Itoa(len(f.events))},
	}
	if strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadata") {
		list["apiVersion"], list["kind"] = "meta.k8s.io/v1", "PartialObjectMetadataList"
	}
	answer(w, list)
}

func (f *fakeAPI) serveWatch(w http.ResponseWriter, r *http.Request, resource [4]string, namespace string) {
	seen, _ := strconv.Atoi(r.URL.Query().Get("resourceVersion"))
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-r.Context().Done():
			f.mu.Lock()
			defer f.mu.Unlock()
			f.changed.Broadcast()
		case <-stop:
		}
	}()
	w.Header().Set("Content-Type", "application/json")
	w.(http.Flusher).Flush()
	for !f.closed && r.Context().Err() == nil {
		for ; seen < len(f.events); seen++ {
			if event := f.events[seen]; matches(event.path, resource, namespace) {
				_ = json.NewEncoder(w).Encode(map[string]any{"type": event.kind, "object": view(r, event.object)})
			}
		}
		w.(http.Flusher).Flush()
		f.changed.Wait()
	}
}

func (f *fakeAPI) serveObject(w http.ResponseWriter, r *http.Request) {
	obj, ok := f.objects[r.URL.Path]
	if !ok {
		fault(w, http.StatusNotFound, metav1.StatusReasonNotFound)
		return
	}
	if r.Method != http.MethodGet {
		if f.fail != nil && f.fail(r.Method+" "+r.URL.Path) {
			fault(w, http.StatusForbidden, metav1.StatusReasonForbidden)
			return
		}
		f.requests = append(f.requests, r.Method+" "+r.URL.Path)
	}
	switch r.Method {
	case http.MethodDelete:
		var options metav1.DeleteOptions
		if err := json.NewDecoder(r.Body).Decode(&options); err != nil {
			fault(w, http.StatusBadRequest, metav1.StatusReasonBadRequest)
			return
		}
		if policy := options.PropagationPolicy; policy != nil && *policy == metav1.DeletePropagationOrphan {
			f.orphan(obj.GetUID())
		}
		f.remove(r.URL.Path)
	case http.MethodPatch:
		var patch map[string]any
		if err := json.NewDecoder(r.Body).Decode(&patch); err != nil {
			fault(w, http.StatusBadRequest, metav1.StatusReasonBadRequest)
			return
		}
		merge(obj.Object, patch)
		f.put(r.URL.Path, obj, "MODIFIED")
	}
	answered := view(r, obj)
	answer(w, answered)
	f.settle()
}

// merge applies a JSON merge patch (RFC 7386).
func merge(into, patch map[string]any) {
	for key, value := range patch {
		inner, isMap := value.(map[string]any)
		switch {
		case value == nil:
			delete(into, key)
		case isMap:
			at, ok := into[key].(map[string]any)
			if !ok {
				at = map[string]any{}
				into[key] = at
			}
			merge(at, inner)
		default:
			into[key] = value
		}
	}
}

func answer(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

func fault(w http.ResponseWriter, code int, reason metav1.StatusReason) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Reason: reason, Code: int32(code),
		Message: string(reason),
	})
}
