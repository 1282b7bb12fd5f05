package render

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	podsecurity "k8s.io/pod-security-admission/policy"
	"sigs.k8s.io/yaml"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/cluster/kind"
)

// upstreamCharts stand in for upstream's charts: each renders a ConfigMap of the values that it is given.
func upstreamCharts(t *testing.T) Archives {
	t.Helper()
	archives := Archives{}
	for _, component := range charts.Components() {
		upstream, ok := charts.UpstreamOf(component.Name)
		if !ok {
			continue
		}
		archives[component.Name] = packed(t, map[string]string{
			upstream.Name + "/Chart.yaml":  "apiVersion: v2\nname: " + upstream.Name + "\nversion: " + upstream.Version + "\n",
			upstream.Name + "/values.yaml": "limits: {cpu: 1, memory: 1}\n",
			upstream.Name + "/templates/values.yaml": "apiVersion: v1\nkind: ConfigMap\n" +
				"metadata: {name: upstream, namespace: {{ .Release.Namespace }}}\n" +
				"data: {values: {{ toJson .Values | quote }}}\n",
		})
	}
	return archives
}

// packed makes the archive of a chart.
func packed(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	for name, content := range files {
		if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestAComponentAsPodsIsUpstreamsChartWithinOurs(t *testing.T) {
	tree := hub(t, demo(onKind))
	for _, component := range charts.Components() {
		objects, err := Component(tree, component.Name)
		if err != nil {
			t.Fatal(err)
		}
		_, wrapped := charts.UpstreamOf(component.Name)
		found := slices.ContainsFunc(objects, func(o *unstructured.Unstructured) bool { return o.GetName() == "upstream" })
		if found != wrapped {
			t.Errorf("whether upstream's chart of %s is rendered is %v: want %v", component.Name, found, wrapped)
		}
		for _, o := range objects {
			if o.GetKind() == "ServiceAccount" && wrapped {
				t.Errorf("%s: ours renders ServiceAccount %s: want upstream's alone", component.Name, o.GetName())
			}
		}
	}
}

func TestTheIngressListensWhereTheNodesPortsLeadTo(t *testing.T) {
	var found []int64
	for _, object := range components(t, hub(t, demo(onKind)))["traefik"] {
		ports, _, _ := unstructured.NestedSlice(object.Object, "spec", "ports")
		for _, port := range ports {
			if nodePort, ok, _ := unstructured.NestedInt64(port.(map[string]any), "nodePort"); ok {
				found = append(found, nodePort)
			}
		}
	}
	if want := []int64{kind.NodePortHTTP, kind.NodePortHTTPS}; !slices.Equal(found, want) {
		t.Errorf("the ingress listens on the node's ports %d, want %d", found, want)
	}
}

func TestWithoutUpstreamsChartThereIsNothingToRender(t *testing.T) {
	_, err := Hub(demo(onKind), nil)
	if err == nil || !strings.Contains(err.Error(), "upstream's chart argo-cd 10.1.1 is not there") {
		t.Errorf("the error is %v: want it to name the chart", err)
	}
}

func TestAChartThatHubYAMLAsksForHasItsOwnDigest(t *testing.T) {
	pinned, _ := charts.UpstreamOf("argocd")
	for _, test := range []struct {
		name            string
		asked           *spec.Chart
		version, digest string
	}{
		{"nothing", nil, pinned.Version, pinned.Digest},
		{"the pinned version", &spec.Chart{Version: spec.Version(pinned.Version)}, pinned.Version, pinned.Digest},
		{"another version", &spec.Chart{Version: "10.2.0"}, "10.2.0", ""},
		{"a digest", &spec.Chart{Version: "10.2.0", Digest: "sha256:00"}, "10.2.0", "sha256:00"},
	} {
		h := demo(onKind, func(h *spec.Hub) { h.Spec.Components = map[string]spec.Component{"argocd": {Chart: test.asked}} })
		got, ok := UpstreamOf(h, "argocd")
		if !ok || got.Version != test.version || got.Digest != test.digest {
			t.Errorf("%s: the chart is %s with digest %q: want %s with %q", test.name, got.Version, got.Digest, test.version,
				test.digest)
		}
	}
	if _, ok := UpstreamOf(demo(), "argocd"); ok {
		t.Error("an embedded hub wants upstream's chart")
	}
}

func TestOnlyHubsThatRunPodsHaveUpstreamsCharts(t *testing.T) {
	for name, h := range everyHub() {
		tree := hub(t, h)
		for _, component := range charts.Components() {
			dir := componentDir(component.Name)
			upstream, pods := UpstreamOf(h, component.Name)
			archive := tree[dir+"/charts/"+upstream.Name+"-"+upstream.Version+".tgz"]
			if (archive != nil) != pods {
				t.Errorf("%s: whether the archive of upstream's chart is in %s is %v: want %v", name, dir, archive != nil, pods)
			}
			var metadata struct {
				Dependencies []struct{ Name, Version, Repository string }
			}
			if err := yaml.Unmarshal(tree[dir+"/Chart.yaml"], &metadata); err != nil {
				t.Fatal(err)
			}
			switch got := metadata.Dependencies; {
			case !pods && len(got) > 0:
				t.Errorf("%s: the chart in %s depends on %v: want nothing", name, dir, got)
			case pods && (len(got) != 1 || got[0].Name != upstream.Name || got[0].Version != upstream.Version ||
				got[0].Repository != upstream.Repository):
				t.Errorf("%s: the chart in %s depends on %v: want %+v", name, dir, got, upstream)
			}
			if tree[dir+"/"+charts.PodsFile] != nil {
				t.Errorf("%s: %s has what is laid over its values as a file", name, dir)
			}
		}
	}
}

// clusterWide are the kinds of our charts that are in no namespace.
var clusterWide = []string{
	"ClusterRole", "ClusterRoleBinding", "Function", "ImageConfig", "IngressClass", "ManagedResourceActivationPolicy",
	"PersistentVolume",
}

func TestEveryObjectIsThereOnceAndInItsComponentsNamespace(t *testing.T) {
	for name, h := range everyHub() {
		first := make(map[string]string)
		for component, objects := range components(t, hub(t, h)) {
			chart, _ := charts.Lookup(component)
			for _, o := range objects {
				want := chart.Namespace
				if slices.Contains(clusterWide, o.GetKind()) {
					want = ""
				}
				if o.GetNamespace() != want {
					t.Errorf("%s: %s %s of component %s is in namespace %q: want %q", name, o.GetKind(), o.GetName(), component,
						o.GetNamespace(), want)
				}
				id := o.GroupVersionKind().GroupKind().String() + " " + o.GetNamespace() + "/" + o.GetName()
				if other, twice := first[id]; twice {
					t.Errorf("%s: %s is of component %s and of %s: want it once", name, id, other, component)
				}
				first[id] = component
			}
		}
	}
}

// chartValues returns the values of a component's chart.
func chartValues(t *testing.T, tree Tree, component string) map[string]any {
	t.Helper()
	values := make(map[string]any)
	if err := yaml.Unmarshal(tree[componentDir(component)+"/values.yaml"], &values); err != nil {
		t.Fatal(err)
	}
	return values
}

// images are where the charts of components as pods are told what their images are: the component, the path of the
// image's fields with / between, and what the fields amount to in upstream's own registries.
var images = []struct{ component, path, image string }{
	{"argocd", "argo-cd/global/image", "quay.io/argoproj/argocd:v3.5.7"},
	{"argocd", "argo-cd/redis/image", "ecr-public.aws.com/docker/library/redis:8.2.3-alpine"},
	{"crossplane", "crossplane/image", "xpkg.crossplane.io/crossplane/crossplane:v2.4.0"},
	{"gitea", "image", "docker.gitea.com/gitea:1.25.2-rootless"},
	{"kyverno", "kyverno/admissionController/container/image", "reg.kyverno.io/kyverno/kyverno:v1.19.1"},
	{"kyverno", "kyverno/admissionController/initContainer/image", "reg.kyverno.io/kyverno/kyvernopre:v1.19.1"},
	{"kyverno", "kyverno/backgroundController/image", "reg.kyverno.io/kyverno/background-controller:v1.19.1"},
	{"kyverno", "kyverno/cleanupController/image", "reg.kyverno.io/kyverno/cleanup-controller:v1.19.1"},
	{"kyverno", "kyverno/reportsController/image", "reg.kyverno.io/kyverno/reports-controller:v1.19.1"},
	{"traefik", "image", "docker.io/traefik:v3.6.7"},
}

// imageAt returns the image that a component's chart is told at a path.
func imageAt(t *testing.T, tree Tree, component, path string) string {
	t.Helper()
	fields, ok, err := unstructured.NestedStringMap(chartValues(t, tree, component), strings.Split(path, "/")...)
	if !ok {
		t.Fatalf("the values of %s have nothing at %s: %v", component, path, err)
	}
	image := fields["repository"] + ":" + fields["tag"]
	if registry := fields["registry"]; registry != "" {
		return registry + "/" + image
	}
	return image
}

func TestImagesComeFromTheirAuthorsOrAllFromTheHubsRegistry(t *testing.T) {
	public, private := hub(t, demo(onKind)), hub(t, demo(onKind, fromRegistry))
	for _, test := range images {
		want := test.image
		if test.component == "kyverno" {
			want = want[strings.LastIndex(want, ":"):] // its chart knows the rest
		}
		if got := imageAt(t, public, test.component, test.path); got != want {
			t.Errorf("%s: the image at %s is %s: want %s", test.component, test.path, got, want)
		}
		_, name, _ := strings.Cut(test.image, "/")
		if got, want := imageAt(t, private, test.component, test.path), "registry.example.com/mirror/"+name; got != want {
			t.Errorf("%s: from a registry the image at %s is %s: want %s", test.component, test.path, got, want)
		}
	}
}

func TestPodsOfOurOwnChartsRunTheImagesOfTheHubsRegistry(t *testing.T) {
	for component, objects := range components(t, hub(t, demo(onKind, fromRegistry))) {
		for _, o := range objects {
			containers, _, _ := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
			for _, c := range containers {
				if image := c.(map[string]any)["image"].(string); !strings.HasPrefix(image, "registry.example.com/mirror/") {
					t.Errorf("%s runs %s: want an image of registry.example.com/mirror", component, image)
				}
			}
			if containers == nil {
				continue
			}
			secrets, _, _ := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "imagePullSecrets")
			if want := []any{map[string]any{"name": PullSecret}}; !reflect.DeepEqual(secrets, want) {
				t.Errorf("%s has the pull secrets %v: want %v", component, secrets, want)
			}
		}
	}
}

func TestAComponentsVersionIsThatOfItsImages(t *testing.T) {
	tree := hub(t, demo(onKind, func(h *spec.Hub) {
		h.Spec.Components = make(map[string]spec.Component)
		for _, component := range spec.Components() {
			h.Spec.Components[component] = spec.Component{Version: "9.8.7"}
		}
	}))
	for _, test := range images {
		if strings.HasSuffix(test.path, "redis/image") {
			continue // which is not Argo CD's own
		}
		if got := imageAt(t, tree, test.component, test.path); !strings.Contains(got, "9.8.7") {
			t.Errorf("%s: the image at %s is %s: want that of version 9.8.7", test.component, test.path, got)
		}
	}
}

func TestTheLoginAndTheAuthorityOfARegistryAreThereIfTheyAreGiven(t *testing.T) {
	pem := demo(onKind, fromRegistry).Spec.Registry.CA
	for _, test := range []struct {
		name           string
		registry       *spec.Registry
		login, withCA  bool
		rewritesImages bool
	}{
		{"no registry", nil, false, false, false},
		{"a registry for everybody", &spec.Registry{Prefix: "h"}, false, false, true},
		{"a registry with a login", &spec.Registry{Prefix: "h", DockerConfig: "/config.json"}, true, false, true},
		{"a registry with an authority", &spec.Registry{Prefix: "h", CA: pem}, false, true, true},
	} {
		tree := hub(t, demo(onKind, func(h *spec.Hub) { h.Spec.Registry = test.registry }))
		for component, path := range map[string]string{
			"argocd": "argo-cd/global/imagePullSecrets", "crossplane": "crossplane/imagePullSecrets",
			"gitea": "imagePullSecrets", "kyverno": "kyverno/global/imagePullSecrets", "traefik": "imagePullSecrets",
		} {
			secrets, _, _ := unstructured.NestedSlice(chartValues(t, tree, component), strings.Split(path, "/")...)
			if (len(secrets) > 0) != test.login || test.login && !strings.Contains(fmt.Sprint(secrets), PullSecret) {
				t.Errorf("%s: %s has the pull secrets %v: want them %v", test.name, component, secrets, test.login)
			}
		}
		named, _, _ := unstructured.NestedStringSlice(chartValues(t, tree, "kyverno"), "kyverno", "existingImagePullSecrets")
		if slices.Contains(named, PullSecret) != test.login {
			t.Errorf("%s: Kyverno reads the logins %v: want %s %v", test.name, named, PullSecret, test.login)
		}
		ca, given, _ := unstructured.NestedString(chartValues(t, tree, "kyverno"), "kyverno", "global", "caCertificates",
			"data")
		if given != test.withCA || test.withCA && ca != pem {
			t.Errorf("%s: Kyverno is given the authority %q: want that of the registry %v", test.name, ca, test.withCA)
		}
		bundle, _, _ := unstructured.NestedString(chartValues(t, tree, "crossplane"), "crossplane",
			"registryCaBundleConfig", "name")
		objects := components(t, tree)["crossplane"]
		for name, want := range map[string]bool{
			"ConfigMap hub-registry-ca": test.withCA, "ImageConfig hub-registry": test.login,
			"ImageConfig hub-registry-packages": test.rewritesImages,
		} {
			if got := slices.ContainsFunc(objects, func(o *unstructured.Unstructured) bool {
				return o.GetKind()+" "+o.GetName() == name
			}); got != want {
				t.Errorf("%s: Crossplane has the %s: %v, want %v", test.name, name, got, want)
			}
		}
		if (bundle == "hub-registry-ca") != test.withCA {
			t.Errorf("%s: Crossplane trusts what is in %q: want hub-registry-ca %v", test.name, bundle, test.withCA)
		}
	}
}

func TestPackagesComeFromTheHubsRegistryAndAreNotAskedForBefore(t *testing.T) {
	h := demo(onKind, fromRegistry)
	waves := make(map[string]string)
	for _, o := range components(t, hub(t, h))["crossplane"] {
		if wave := o.GetAnnotations()["argocd.argoproj.io/sync-wave"]; wave != "" {
			waves[o.GetKind()] = wave
		}
		if o.GetName() != "hub-registry-packages" {
			continue
		}
		to, _, _ := unstructured.NestedString(o.Object, "spec", "rewriteImage", "prefix")
		matches, _, _ := unstructured.NestedSlice(o.Object, "spec", "matchImages")
		if len(matches) != 2 {
			t.Errorf("packages of %v are rewritten: want those of two registries", matches)
		}
		for _, match := range matches {
			from := match.(map[string]any)["prefix"].(string)
			if got, want := PackageSource(h, from+"a/b:v1"), to+"a/b:v1"; got != want || to != "registry.example.com/mirror/" {
				t.Errorf("%sa/b:v1 comes from %s: want %s", from, got, want)
			}
		}
	}
	for _, name := range []string{"registry.example.com/mirror/a/b:v1", "example.com/a/b:v1"} {
		if got := PackageSource(h, name); got != name {
			t.Errorf("%s comes from %s: want it as it is", name, got)
		}
	}
	if name := "xpkg.crossplane.io/a/b:v1"; PackageSource(demo(onKind), name) != name {
		t.Errorf("%s does not come from there though the hub has no registry", name)
	}
	want := map[string]string{"ImageConfig": "1", "ManagedResourceActivationPolicy": "1", "Function": "2"}
	if !maps.Equal(waves, want) {
		t.Errorf("the waves are %v: want %v", waves, want)
	}
}

func TestHubYAMLTakesAwayWhatUpstreamsChartHas(t *testing.T) {
	tree := hub(t, demo(onKind, func(h *spec.Hub) {
		h.Spec.Components = map[string]spec.Component{"kyverno": {Values: map[string]any{
			"kyverno": map[string]any{
				"limits": map[string]any{"cpu": nil}, "config": map[string]any{"name": nil}, "replicas": int64(3),
			},
		}}}
	}))
	var values map[string]any
	data := find(t, tree, "kyverno", "ConfigMap", "upstream")["data"].(map[string]any)
	if err := json.Unmarshal([]byte(data["values"].(string)), &values); err != nil {
		t.Fatal(err)
	}
	if got, want := values["limits"], map[string]any{"memory": 1.0}; !reflect.DeepEqual(got, want) {
		t.Errorf("upstream's chart has the limits %v: want %v", got, want)
	}
	if got, want := values["config"], map[string]any{"create": false, "name": nil}; !reflect.DeepEqual(got, want) {
		t.Errorf("upstream's chart has config %v: want %v", got, want)
	}
	if values["replicas"] != 3.0 {
		t.Errorf("upstream's chart has %v replicas: want 3", values["replicas"])
	}
}

func TestPagesAreReachedThroughTheIngress(t *testing.T) {
	elsewhere := func(h *spec.Hub) {
		onExisting(h)
		h.Spec.Ingress = &spec.Ingress{Class: "nginx", Domain: "hub.example.com"}
	}
	for _, test := range []struct {
		name          string
		h             *spec.Hub
		class, domain string
	}{
		{"a hub on kind", demo(onKind), "traefik", "demo.localhost"},
		{"a hub on someone's cluster", demo(elsewhere), "nginx", "hub.example.com"},
		{"a hub without an ingress", demo(onExisting), "", ""},
	} {
		all := components(t, hub(t, test.h))
		for component, service := range map[string]string{"argocd": "argocd-server", "gitea": "gitea"} {
			at := slices.IndexFunc(all[component], func(o *unstructured.Unstructured) bool { return o.GetKind() == "Ingress" })
			if (at >= 0) != (test.domain != "") {
				t.Errorf("%s: whether %s has an Ingress is %v: want %v", test.name, component, at >= 0, test.domain != "")
			}
			if at < 0 {
				continue
			}
			host := component + "." + test.domain
			want := map[string]any{
				"ingressClassName": test.class,
				"tls":              []any{map[string]any{"hosts": []any{host}, "secretName": "hub-tls"}},
				"rules": []any{map[string]any{"host": host, "http": map[string]any{"paths": []any{map[string]any{
					"path": "/", "pathType": "Prefix",
					"backend": map[string]any{"service": map[string]any{"name": service, "port": map[string]any{"name": "http"}}},
				}}}}},
			}
			if got := all[component][at].Object["spec"]; !reflect.DeepEqual(got, want) {
				t.Errorf("%s: the Ingress of %s is\n%v\nwant\n%v", test.name, component, got, want)
			}
		}
	}
}

// Where an ingress controller runs that is not the hub's, nobody knows.
func TestGiteaIsReachedByTheHubAndByTheIngressController(t *testing.T) {
	labels := map[string]any{"backstack.dev/hub": "demo"}
	hubs := []any{map[string]any{"namespaceSelector": map[string]any{"matchLabels": labels}}}
	withIngress := func(h *spec.Hub) { h.Spec.Ingress = &spec.Ingress{Class: "nginx", Domain: "hub.example.com"} }
	off := false
	withoutTraefik := func(h *spec.Hub) {
		h.Spec.Components = map[string]spec.Component{"traefik": {Enabled: &off}}
	}
	for _, test := range []struct {
		name string
		h    *spec.Hub
		want any
	}{
		{"Traefik, which is the hub's", demo(onKind), hubs},
		{"no controller", demo(onExisting), hubs},
		{"the cluster's controller", demo(onExisting, withIngress), nil},
		{"another controller on kind", demo(onKind, withoutTraefik, withIngress), nil},
		{"none on kind", demo(onKind, withoutTraefik), hubs},
	} {
		policy := find(t, hub(t, test.h), "gitea", "NetworkPolicy", "gitea")
		rules, _, err := unstructured.NestedSlice(policy, "spec", "ingress")
		if err != nil || len(rules) != 1 {
			t.Fatalf("%s: the rules are %v (%v): want one", test.name, rules, err)
		}
		if got := rules[0].(map[string]any)["from"]; !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: Gitea is reached from %v: want %v", test.name, got, test.want)
		}
	}
}

func TestGiteaKeepsItsDataOnTheNodeOfKindAndElsewhereInAVolume(t *testing.T) {
	volumes := func(h *spec.Hub) (folder, reserved string, claim map[string]any) {
		for _, o := range components(t, hub(t, h))["gitea"] {
			switch o.GetKind() {
			case "PersistentVolume":
				folder, _, _ = unstructured.NestedString(o.Object, "spec", "hostPath", "path")
				reserved, _, _ = unstructured.NestedString(o.Object, "spec", "claimRef", "name")
			case "PersistentVolumeClaim":
				claim, _, _ = unstructured.NestedMap(o.Object, "spec")
			}
		}
		return folder, reserved, claim
	}
	folder, reserved, claim := volumes(demo(onKind))
	if folder != NodeFolder || reserved != "gitea" || claim["storageClassName"] != "" {
		t.Errorf("on kind the folder is %s, reserved for %q, and the claim %v: want %s, reserved for gitea, and a claim without a class",
			folder, reserved, claim, NodeFolder)
	}
	if claim["volumeName"] != nil {
		t.Error("the claim names its volume, and the volume the claim: they may be bound late")
	}
	folder, _, claim = volumes(demo(onExisting))
	if _, classed := claim["storageClassName"]; folder != "" || claim["volumeName"] != nil || classed {
		t.Errorf("elsewhere the folder is %q and the claim %v: want one of the cluster's default class", folder, claim)
	}
	_, _, claim = volumes(demo(onExisting, func(h *spec.Hub) {
		h.Spec.Components = map[string]spec.Component{"gitea": {Values: map[string]any{
			"persistence": map[string]any{"storageClass": "fast", "size": "1Gi"},
		}}}
	}))
	size, _, _ := unstructured.NestedString(claim, "resources", "requests", "storage")
	if claim["storageClassName"] != "fast" || size != "1Gi" {
		t.Errorf("the claim is %v: want what hub.yaml says", claim)
	}
}

func TestTraefikTakesFurtherArgumentsAndServesTheGatewayAPI(t *testing.T) {
	tree := hub(t, demo(onKind, func(h *spec.Hub) {
		h.Spec.Components = map[string]spec.Component{"traefik": {Values: map[string]any{
			"args": []any{"--log.level=DEBUG"}, "gateway": true,
		}}}
	}))
	pod := find(t, tree, "traefik", "Deployment", "traefik")["spec"].(map[string]any)["template"].(map[string]any)["spec"]
	args := pod.(map[string]any)["containers"].([]any)[0].(map[string]any)["args"].([]any)
	for _, want := range []any{"--log.level=DEBUG", "--providers.kubernetesgateway=true"} {
		if !slices.Contains(args, want) {
			t.Errorf("the arguments are %v: want %s among them", args, want)
		}
	}
	rules := fmt.Sprint(find(t, tree, "traefik", "ClusterRole", "traefik")["rules"])
	if !strings.Contains(rules, "gateways/status") {
		t.Errorf("the rules are %s: want those of the Gateway API too", rules)
	}
}

func TestAHubWithItsRepositoriesElsewhereHasNoGitea(t *testing.T) {
	tree := hub(t, demo(onKind, func(h *spec.Hub) {
		h.Spec.Repositories = &spec.Repositories{Hub: "https://example.org/a.git", Requests: "https://example.org/b.git"}
	}))
	for path := range tree {
		if strings.Contains(path, "gitea") {
			t.Errorf("there is %s", path)
		}
	}
}

// The hub's policies want the baseline of its own pods; what is ours keeps to the restricted level.
func TestPodsOfOurOwnChartsAreRestricted(t *testing.T) {
	checked := 0
	for _, objects := range components(t, hub(t, demo(onKind, fromRegistry))) {
		for _, o := range objects {
			template, ok, _ := unstructured.NestedMap(o.Object, "spec", "template")
			if !ok {
				continue
			}
			var pod corev1.Pod
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(template, &pod); err != nil {
				t.Fatal(err)
			}
			checked++
			for _, check := range podsecurity.DefaultChecks() {
				result := current(t, check)(&pod.ObjectMeta, &pod.Spec)
				if !result.Allowed {
					t.Errorf("%s %s is against %s: %s", o.GetKind(), o.GetName(), check.ID, result.ForbiddenDetail)
				}
			}
		}
	}
	if checked != 2 {
		t.Errorf("%d pods were checked: want Gitea's and Traefik's", checked)
	}
}

// A namespace called traefik on a cluster of someone else is someone else's.
func TestTraefiksNamespaceIsTheHubsWhereTraefikIs(t *testing.T) {
	cel := newEvaluator(t)
	namespace := object(t, `{'metadata': {'name': 'traefik'}}`)
	for name, h := range everyHub() {
		_, message := policies(t, hub(t, h))["single-tenant"].judge(t, cel, namespace)
		if got, want := message == "", h.Spec.Provider == spec.ProviderKind; got != want {
			t.Errorf("%s: whether the namespace traefik is let in is %v: want %v", name, got, want)
		}
	}
}
