//go:build e2e

package kind

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/test/internal/hubtest"
	"github.com/back-stack/backstack/test/kind/stage"
)

// TestHub is the life of a hub on kind. Each part leaves it healthy.
func TestHub(t *testing.T) {
	before := belongings(t)
	hub := machine.Hub("first")
	hub.Machine.Must(t, "install", "-f", described(t, "first", nil))
	for _, part := range []struct {
		name string
		test func(*testing.T, *hubtest.Hub)
	}{
		{"everything is healthy", func(t *testing.T, hub *hubtest.Hub) { checkHealthy(t, hub, components) }},
		{"Argo CD found itself as Git says", testAdoption},
		{"installing again changes nothing", testInstallAgain},
		{"pages are reached through the ingress", testPages},
		{"a commit takes effect", testCommit},
		{"a hand edit is put back", testHandEdit},
		{"a composition composes", testComposition},
		{"Argo CD upgrades itself by a commit", testUpgrade},
		{"an image that cannot be had is named", testImage},
		{"a pod that crashes is named", testCrash},
		{"a Bead with pods answers through the ingress", testBeadWithPods},
		{"a Gateway leads to a page", testGateway},
		{"a killed process comes back", testKilledProcesses},
		{"a second hub beside it", testSecondHub},
		{"no credential gets out", testSecrets},
		{"a stopped node comes back with its data", testStoppedNode},
	} {
		t.Run(part.name, func(t *testing.T) { part.test(t, hub) })
	}
	t.Run("uninstall leaves nothing", func(t *testing.T) {
		hub.Must(t, "uninstall")
		checkBelongings(t, before)
		if _, err := os.Stat(hub.Dir()); !os.IsNotExist(err) {
			t.Errorf("the folder %s: %v, want it gone", hub.Dir(), err)
		}
	})
}

func testAdoption(t *testing.T, hub *hubtest.Hub) { hub.CheckAdopted(t, "argocd", "policies") }

func testInstallAgain(t *testing.T, hub *hubtest.Hub) {
	client := hub.Client(t)
	running := podsOf(t, client)
	commits := len(cloneOf(t, hub, "hub").commits(t))
	again := hub.Start(t, "install")
	for event := range again.Events() {
		if event.State == "done" && event.Step != "applications" {
			t.Errorf("the step %s says that it did something: %s", event.Step, event.Message)
		}
	}
	again.Wait().Want(t, 0)
	if now := podsOf(t, client); !maps.Equal(now, running) {
		t.Errorf("pods are %v, want those that there were: %v", now, running)
	}
	if now := len(cloneOf(t, hub, "hub").commits(t)); now != commits || commits != 1 {
		t.Errorf("hub.git has %d commits after %d, want one", now, commits)
	}
}

// browse makes a client that takes every name for this machine, as browsers do for those below localhost.
func browse(t *testing.T, hub *hubtest.Hub) *http.Client {
	t.Helper()
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(hubtest.ReadFile(t, hub.Outputs(t).CA))) {
		t.Fatal("the hub's authority is no certificate")
	}
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			_, port, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
		},
	}}
}

// fetch returns what a page holds.
func fetch(client *http.Client, url string) (string, error) {
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", response.Status, body)
	}
	return string(body), err
}

func testPages(t *testing.T, hub *hubtest.Hub) {
	outputs, client := hub.Outputs(t), browse(t, hub)
	if !strings.HasPrefix(outputs.ArgoCD.URL, "https://argocd.first.localhost:") {
		t.Errorf("Argo CD is at %s, want a name below localhost", outputs.ArgoCD.URL)
	}
	for _, url := range []string{
		outputs.ArgoCD.URL + "/healthz", strings.Split(outputs.Repositories.Hub, "/backstack/")[0] + "/api/healthz",
	} {
		hubtest.Eventually(t, url, func() error {
			_, err := fetch(client, url)
			return err
		})
	}
}

func testCommit(t *testing.T, hub *hubtest.Hub) {
	client, repository := hub.Client(t), cloneOf(t, hub, "hub")
	repository.replace(t, "components/argocd/values.yaml", "timeout.reconciliation: 180s", "timeout.reconciliation: 120s")
	repository.push(t, "Look for missed commits every two minutes")
	hubtest.Until(t, client, configMaps, "argocd", "argocd-cm", hubtest.HasValue("120s", "data", "timeout.reconciliation"))
	hub.AwaitHealthy(t)
}

func testHandEdit(t *testing.T, hub *hubtest.Hub) {
	client := hub.Client(t)
	if err := client.Apply(hubtest.Patient(t), "somebody", &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "argocd-cm", "namespace": "argocd"},
		"data": map[string]any{"timeout.reconciliation": "1s"},
	}}); err != nil {
		t.Fatal(err)
	}
	hubtest.Until(t, client, configMaps, "argocd", "argocd-cm", hubtest.HasValue("120s", "data", "timeout.reconciliation"))
	hub.AwaitHealthy(t)
}

// testComposition asks for a namespace of the library's Bead: Crossplane's functions, which are pods, make it.
func testComposition(t *testing.T, hub *hubtest.Hub) {
	hub.Must(t, "bead", "add", "namespace")
	requests := cloneOf(t, hub, "requests")
	requests.write(t, "applications/shop.yaml", `apiVersion: backstack.dev/v1alpha1
kind: TeamNamespace
metadata:
  name: shop-dev
spec:
  name: shop-dev
  team: red
  size: small
  environment: dev
`)
	requests.push(t, "A namespace for the shop")
	hubtest.Until(t, hub.Client(t), namespaces, "", "shop-dev", hubtest.HasValue("red", "metadata", "labels", "team"))
}

// testUpgrade rolls out a version by a commit alone. It is the same program under another tag.
func testUpgrade(t *testing.T, hub *hubtest.Hub) {
	const old, next = "quay.io/argoproj/argocd:v3.5.7", "quay.io/argoproj/argocd:v3.5.8-test"
	docker(t, "exec", node(hub), "ctr", "--namespace", "k8s.io", "images", "tag", old, next)
	repository := cloneOf(t, hub, "hub")
	repository.replace(t, "components/argocd/values.yaml", "tag: v3.5.7", "tag: v3.5.8-test")
	repository.push(t, "Upgrade Argo CD")
	client := hub.Client(t)
	for _, name := range []string{"argocd-server", "argocd-repo-server"} {
		hubtest.Until(t, client, deployments, "argocd", name, rolledOut(next))
	}
	// A new application controller looks again at what its predecessor has judged only after timeout.reconciliation.
	hub.Must(t, "install")
	checkHealthy(t, hub, components)
	version := "of nothing"
	for _, component := range hub.Status(t).Components {
		if component.Name == "argocd" {
			version = component.Version
		}
	}
	if version != "3.5.8-test" {
		t.Errorf("status says that Argo CD %s runs, want 3.5.8-test", version)
	}
}

// rolledOut makes a condition for Until: a Deployment runs an image, and nothing else.
func rolledOut(image string) func(*unstructured.Unstructured) string {
	return func(obj *unstructured.Unstructured) string {
		containers, _, _ := unstructured.NestedSlice(obj.Object, "spec", "template", "spec", "containers")
		observed, _, _ := unstructured.NestedInt64(obj.Object, "status", "observedGeneration")
		updated, _, _ := unstructured.NestedInt64(obj.Object, "status", "updatedReplicas")
		available, _, _ := unstructured.NestedInt64(obj.Object, "status", "availableReplicas")
		all, _, _ := unstructured.NestedInt64(obj.Object, "status", "replicas")
		if len(containers) == 0 || containers[0].(map[string]any)["image"] != image {
			return "image " + image
		}
		if observed != obj.GetGeneration() || updated != all || available != all || all == 0 {
			return fmt.Sprintf("%d of %d pods are new, %d available", updated, all, available)
		}
		return ""
	}
}

// testImage commits an image that no registry has: an install that has to wait for it says so, and not at its timeout.
func testImage(t *testing.T, hub *hubtest.Hub) {
	repository := cloneOf(t, hub, "hub")
	repository.replace(t, "components/traefik/values.yaml", "tag: v3.6.7", "tag: v0.0.0-none")
	repository.push(t, "A version that there is not")
	client := hub.Client(t)
	hubtest.Until(t, client, deployments, "traefik", "traefik", func(obj *unstructured.Unstructured) string {
		containers, _, _ := unstructured.NestedSlice(obj.Object, "spec", "template", "spec", "containers")
		if image := containers[0].(map[string]any)["image"]; image != "docker.io/traefik:v0.0.0-none" {
			return fmt.Sprint("image ", image)
		}
		return ""
	})
	result := hub.Run(t, "install", "--timeout", "5m").Want(t, 3)
	if !strings.Contains(result.Stderr, "docker.io/traefik:v0.0.0-none") || strings.Contains(result.Stderr, "not done after") {
		t.Errorf("the message is %s\nwant it to name the image before the timeout", result.Stderr)
	}
	if status := hub.Status(t); status.Healthy {
		t.Errorf("status %+v, want it not healthy", status)
	}
	repository.replace(t, "components/traefik/values.yaml", "tag: v0.0.0-none", "tag: v3.6.7")
	repository.push(t, "Take it back")
	hubtest.Until(t, client, deployments, "traefik", "traefik", rolledOut("docker.io/traefik:v3.6.7"))
	hub.AwaitHealthy(t)
}

// testCrash has Traefik listen where it cannot.
func testCrash(t *testing.T, hub *hubtest.Hub) {
	repository := cloneOf(t, hub, "hub")
	const wrong = `args: ["--entrypoints.wrong.address=:99999999"]`
	repository.replace(t, "components/traefik/values.yaml", "args: []", wrong)
	repository.push(t, "An argument that there is not")
	hubtest.Eventually(t, "status to name the pod that crashes", func() error {
		result := hub.Run(t, "status", "-o", "json")
		if !strings.Contains(result.Stdout, "CrashLoopBackOff") && !strings.Contains(result.Stdout, "exit") {
			return fmt.Errorf("it says %s", result.Stdout)
		}
		if !strings.Contains(result.Stdout, "99999999: invalid port") {
			return fmt.Errorf("it shows no line of the pod's log: %s", result.Stdout)
		}
		if !strings.Contains(result.Stdout, "last event of Deployment traefik: ScalingReplicaSet") {
			return fmt.Errorf("it does not say what became of the Deployment last: %s", result.Stdout)
		}
		return nil
	})
	repository.replace(t, "components/traefik/values.yaml", wrong, "args: []")
	repository.push(t, "Take it back")
	hub.AwaitHealthy(t)
}

// testBeadWithPods runs the library's sample application, a web server.
func testBeadWithPods(t *testing.T, hub *hubtest.Hub) {
	hub.Must(t, "bead", "add", "hello", "--set", "host=hello.first.localhost", "--set", "replicas=1")
	url := strings.Replace(hub.Outputs(t).ArgoCD.URL, "argocd.", "hello.", 1)
	client := insecure(browse(t, hub))
	hubtest.Eventually(t, "the Bead's page", func() error {
		body, err := fetch(client, url)
		if err == nil && !strings.Contains(body, "Hello, world!") {
			err = fmt.Errorf("it says %q", body)
		}
		return err
	})
	hub.AwaitHealthy(t)
	hub.Must(t, "bead", "remove", "hello")
}

// testGateway adds the definitions of the Gateway API, turns it on, and reaches Argo CD by it.
func testGateway(t *testing.T, hub *hubtest.Hub) {
	client := hub.Client(t)
	folder, err := stage.GatewayDefinitions(hubtest.Patient(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := client.InstallCRDs(hubtest.Patient(t), folder); err != nil {
		t.Fatal(err)
	}
	hub.Must(t, "install", "--set", "components.traefik.values.gateway=true")
	checkHealthy(t, hub, components)
	const host = "gateway.first.localhost"
	for resource, object := range map[string]map[string]any{
		"gateways": {
			"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": map[string]any{"name": "pages"},
			"spec": map[string]any{"gatewayClassName": "traefik", "listeners": []any{
				map[string]any{"name": "web", "protocol": "HTTP", "port": int64(8000)},
			}},
		},
		"httproutes": {
			"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": map[string]any{"name": "pages"},
			"spec": map[string]any{
				"parentRefs": []any{map[string]any{"name": "pages"}}, "hostnames": []any{host},
				"rules": []any{map[string]any{"backendRefs": []any{map[string]any{"name": "argocd-server", "port": int64(80)}}}},
			},
		},
	} {
		gvr := schema.GroupVersionResource{Group: "gateway.networking.k8s.io", Version: "v1", Resource: resource}
		if _, err := client.Dynamic().Resource(gvr).Namespace("argocd").Create(hubtest.Patient(t),
			&unstructured.Unstructured{Object: object}, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	_, port, err := net.SplitHostPort(docker(t, "port", node(hub), "30080"))
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + net.JoinHostPort(host, port) + "/healthz"
	hubtest.Eventually(t, url, func() error {
		_, err := fetch(browse(t, hub), url)
		return err
	})
	hub.AwaitHealthy(t)
}

// insecure is a client that takes any certificate: a Bead's page has that of the ingress controller.
func insecure(client *http.Client) *http.Client {
	transport := client.Transport.(*http.Transport).Clone()
	transport.TLSClientConfig.InsecureSkipVerify = true
	return &http.Client{Transport: transport}
}

// testSecrets looks for every credential where others could read it.
func testSecrets(t *testing.T, hub *hubtest.Hub) {
	var secrets []string
	folder := filepath.Join(hub.Dir(), "credentials")
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) < 5 {
		t.Fatalf("%d credentials in %s: %v", len(entries), folder, err)
	}
	for _, entry := range entries {
		secrets = append(secrets, strings.TrimSpace(hubtest.ReadFile(t, filepath.Join(folder, entry.Name()))))
	}
	places := map[string]string{}
	for _, name := range []string{"hub", "requests"} {
		repository := cloneOf(t, hub, name)
		places[name+".git"] = repository.git(t, repository.dir, "log", "--patch", "--text")
	}
	client := hub.Client(t)
	for _, component := range components {
		places["logs of "+component] = logs(t, hub, component)
	}
	list, err := client.List(hubtest.Patient(t), configMaps, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, obj := range list {
		places["ConfigMap "+obj.GetNamespace()+"/"+obj.GetName()] = fmt.Sprint(obj.Object["data"])
	}
	for place, text := range places {
		for n, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s: there is the credential %s", place, entries[n].Name())
			}
		}
	}
	checkModes(t, hub.Dir())
}

// checkModes checks that files are for their owner alone.
func checkModes(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 && info.Mode()&fs.ModeSocket == 0 {
			t.Errorf("%s has mode %s, want it for its owner alone", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// logs are those of all containers in the namespace of a component.
func logs(t *testing.T, hub *hubtest.Hub, component string) string {
	t.Helper()
	chart, ok := charts.Lookup(component)
	if !ok {
		t.Fatalf("component %s has no chart", component)
	}
	return docker(t, "exec", node(hub), "sh", "-c", "cat /var/log/pods/"+chart.Namespace+"_*/*/*.log")
}

func testStoppedNode(t *testing.T, hub *hubtest.Hub) {
	commits := cloneOf(t, hub, "hub").commits(t)
	docker(t, "stop", "--time", "5", node(hub))
	status := hub.Status(t)
	if status.Healthy || status.Cluster.Reason == "" {
		t.Errorf("status %+v, want it not healthy, and why", status.Cluster)
	}
	hub.Must(t, "install")
	checkHealthy(t, hub, components)
	if now := cloneOf(t, hub, "hub").commits(t); !slices.Equal(now, commits) {
		t.Errorf("hub.git has the commits %q, want %q", now, commits)
	}
}
