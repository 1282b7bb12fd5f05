//go:build e2e

package kind

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"

	"github.com/back-stack/backstack/internal/cluster/kind"
	"github.com/back-stack/backstack/internal/report"
	"github.com/back-stack/backstack/test/internal/hubtest"
)

// refused installs what must be refused before anything is made, and checks what is said.
func refused(t *testing.T, hub *hubtest.Hub, file string, texts ...string) {
	t.Helper()
	before := belongings(t)
	result := hub.Machine.Run(t, "install", "-f", file).Want(t, 2)
	for _, text := range texts {
		if !strings.Contains(result.Stderr, text) {
			t.Errorf("the message is %s\nwant it to say %q", result.Stderr, text)
		}
	}
	checkBelongings(t, before)
}

func TestWrongRequestsAreRefusedBeforeAnythingIsMade(t *testing.T) {
	hub := machine.Hub("wrong")
	t.Run("the container engine does not run", func(t *testing.T) {
		t.Setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
		result := hub.Machine.Run(t, "install", "-f", described(t, hub.Name, nil)).Want(t, 2)
		if !strings.Contains(result.Stderr, "docker") {
			t.Errorf("the message is %s\nwant it to name docker", result.Stderr)
		}
	})
	t.Run("a port is taken", func(t *testing.T) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = listener.Close() }()
		port := listener.Addr().(*net.TCPAddr).Port
		refused(t, hub, described(t, hub.Name, map[string]any{"kind": map[string]any{"ports": map[string]any{"https": port}}}),
			fmt.Sprint(port))
	})
	t.Run("a chart has another digest", func(t *testing.T) {
		wrong := "sha256:" + strings.Repeat("0", 64)
		refused(t, hub, described(t, hub.Name, map[string]any{"components": map[string]any{
			"kyverno": map[string]any{"chart": map[string]any{"digest": wrong}},
		}}), "kyverno 3.9.1", wrong)
	})
	t.Run("a chart is not there", func(t *testing.T) {
		refused(t, hub, described(t, hub.Name, map[string]any{"charts": t.TempDir()}), "argo-cd-10.1.1.tgz", "--charts")
	})
	t.Run("a cluster of that name is someone else's", func(t *testing.T) {
		foreign := kind.New(kind.Options{Name: hub.Name, Dir: t.TempDir(), Image: on.NodeImage, Config: []byte(nodeConfig(t))})
		makeCluster(t, foreign)
		refused(t, hub, described(t, hub.Name, nil), hub.Name)
	})
}

// makeCluster makes a cluster for the time of a test.
func makeCluster(t testing.TB, c *kind.Cluster) {
	t.Helper()
	ctx := hubtest.Patient(t)
	t.Cleanup(func() {
		if err := c.Delete(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	})
	if err := c.Prepare(ctx, report.Func(func(report.Event) {})); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Ensure(ctx, nil); err != nil {
		t.Fatal(err)
	}
}

// TestANodeWithoutRoomIsNamed has a kubelet that takes its disk to be full, which lets no pod in that is not a part of
// Kubernetes.
func TestANodeWithoutRoomIsNamed(t *testing.T) {
	before := belongings(t)
	config := map[string]any{}
	if err := yaml.Unmarshal([]byte(nodeConfig(t)), &config); err != nil {
		t.Fatal(err)
	}
	patches, _ := config["kubeadmConfigPatches"].([]any)
	config["kubeadmConfigPatches"] = append(patches, "kind: KubeletConfiguration\nevictionHard: {nodefs.available: 99%}\n")
	full, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	hub := machine.Hub("full")
	file := described(t, hub.Name, map[string]any{"kind": map[string]any{"config": string(full)}})
	result := hub.Machine.Run(t, "install", "-f", file, "--timeout", "90s").Want(t, 3)
	if !strings.Contains(result.Stderr, "node "+node(hub)+" has DiskPressure") {
		t.Errorf("the message is %s\nwant it to name the node, and that its disk is full", result.Stderr)
	}
	if status := hub.Status(t); status.Healthy {
		t.Errorf("status %+v, want it not healthy", status)
	}
	hub.Must(t, "uninstall")
	checkBelongings(t, before)
}

// TestPrivateRegistry has everything from one registry, which wants a login and has an authority of its own. The kubelet
// loses the login, so that every image is pulled with the Secret that its pod names.
func TestPrivateRegistry(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(config, closed.DockerConfig(), 0o600); err != nil {
		t.Fatal(err)
	}
	hub := machine.Hub("registry")
	file := described(t, hub.Name, map[string]any{
		"kind":       map[string]any{"image": plainNode(), "authorities": ""},
		"registry":   map[string]any{"prefix": closed.Host + "/hub", "ca": string(closed.CA), "dockerConfig": config},
		"components": map[string]any{"crossplane": map[string]any{"values": nil}},
	})
	plan := hub.Machine.Must(t, "install", "-f", file, "--dry-run")
	for _, want := range []string{"argo-cd", closed.Host + "/hub/argoproj/argocd:v3.5.7", plainNode()} {
		if !strings.Contains(plan, want) {
			t.Errorf("the plan is\n%s\nwant %s in it", plan, want)
		}
	}
	install := hub.Machine.Start(t, "install", "-f", file)
	if !install.Await("cluster", "done") {
		t.Fatalf("the cluster was not made: %+v", install.Wait())
	}
	if err := os.WriteFile(filepath.Join(hub.Dir(), "node", "logins", "config.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	install.Wait().Want(t, 0)
	checkHealthy(t, hub, components)
	list, err := hub.Client(t).List(hubtest.Patient(t), pods, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, pod := range list {
		if strings.HasPrefix(pod.GetNamespace(), "kube-") || pod.GetNamespace() == "local-path-storage" {
			continue
		}
		for _, image := range imagesOf(&pod) {
			if !strings.HasPrefix(image, closed.Host+"/hub/") {
				t.Errorf("pod %s/%s has the image %s: want it from %s/hub", pod.GetNamespace(), pod.GetName(), image, closed.Host)
			}
		}
	}
	hub.Must(t, "uninstall")
}

// imagesOf lists the images of a pod's containers.
func imagesOf(pod *unstructured.Unstructured) []string {
	var images []string
	for _, kind := range []string{"containers", "initContainers"} {
		containers, _, _ := unstructured.NestedSlice(pod.Object, "spec", kind)
		for _, item := range containers {
			images = append(images, fmt.Sprint(item.(map[string]any)["image"]))
		}
	}
	return images
}
