package kind

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kind/pkg/apis/config/defaults"
)

// golden compares what is rendered with a file.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; look at the change with go test ./internal/cluster/kind -update and git diff. Got:\n%s", path,
			got)
	}
}

func TestConfigurationIsGolden(t *testing.T) {
	for name, o := range map[string]Options{
		"least.yaml": {Name: "demo", Dir: "/state/demo", Image: "kindest/node:v1.34.4"},
		"all.yaml": {
			Name: "demo", Dir: "/state/demo", Image: "kindest/node:v1.34.4",
			PortMappings: []PortMapping{
				{HostPort: 53, ContainerPort: 30053, Protocol: "UDP", ListenAddress: "192.0.2.1"},
				{HostPort: 2222, ContainerPort: 30022},
			},
			Mounts: []Mount{
				{HostPath: "/srv/data", ContainerPath: "/data"}, {HostPath: "/etc/ro", ContainerPath: "/ro", ReadOnly: true},
			},
			Config: []byte(`
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
networking:
  podSubnet: 10.200.0.0/16
kubeadmConfigPatches:
  - |
    kind: KubeletConfiguration
    failCgroupV1: false
containerdConfigPatches:
  - "oom_score = 0"
nodes:
  - labels: {tier: hub}
    extraMounts: [{hostPath: /dev, containerPath: /dev}]
    extraPortMappings: [{hostPort: 9000, containerPort: 9000, listenAddress: 127.0.0.1}]
`),
		},
	} {
		t.Run(name, func(t *testing.T) {
			config, faults := o.config(Ports{Kubernetes: 6550, HTTP: 8080, HTTPS: 8443})
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			text, err := yaml.Marshal(config)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, name, text)
		})
	}
}

func TestWithoutAnImageKindsDefaultIsTaken(t *testing.T) {
	config, faults := Options{Name: "demo", Dir: "/state/demo"}.config(Ports{})
	if len(faults) > 0 || config.Nodes[0].Image != defaults.Image {
		t.Errorf("got image %s, %v", config.Nodes[0].Image, faults)
	}
}

func TestFaultsOfAConfigurationAreNamedAtOnce(t *testing.T) {
	o := Options{
		Name: "demo", Dir: "/state/de:mo", Mirrors: map[string]string{"../../etc": "https://mirror.example.com"},
		PortMappings: []PortMapping{
			{HostPort: 8080, ContainerPort: 1}, {HostPort: 8080, ContainerPort: 2, Protocol: "UDP"},
			{HostPort: 9000, ContainerPort: 3, ListenAddress: "0.0.0.0"}, {HostPort: 9000, ContainerPort: 4},
		},
		Config: []byte(`
kind: Node
apiVersion: kind.x-k8s.io/v1alpha3
name: other
networking: {apiServerAddress: 0.0.0.0, apiServerPort: 6443}
nodes:
  - {role: worker, image: "kindest/node:v1"}
  - {}
`),
	}
	_, faults := o.config(Ports{Kubernetes: 6550, HTTP: 8080})
	text := errors.Join(faults...).Error()
	for _, want := range []string{
		"kind is Node", "apiVersion is kind.x-k8s.io/v1alpha3", "name is other", "networking.apiServerAddress",
		"networking.apiServerPort", "2 nodes", "nodes[0].role is worker", "nodes[0].image", "/state/de:mo", "../../etc",
		"127.0.0.1:8080/TCP is asked for twice", "127.0.0.1:9000/TCP is asked for twice",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
	if strings.Contains(text, "UDP") {
		t.Errorf("the same port of another protocol is a fault:\n%s", text)
	}
}

func TestAConfigurationWithAnUnknownFieldIsRefused(t *testing.T) {
	_, faults := Options{Config: []byte("kind: Cluster\nnoodes: []\n")}.config(Ports{})
	text := errors.Join(faults...).Error()
	if !strings.Contains(text, "noodes") || !strings.Contains(text, "spec.kind.config") {
		t.Errorf("got %s", text)
	}
}
