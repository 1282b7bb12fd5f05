package kind

import (
	"errors"
	"strings"
	"testing"
)

func described(id, status, apiPort string) *container {
	node := &container{ID: id}
	node.State.Status = status
	if apiPort != "" {
		node.HostConfig.PortBindings = map[string][]struct{ HostPort string }{"6443/tcp": {{HostPort: apiPort}}}
	}
	return node
}

func TestWhatThereIsIsJudgedByTheRecord(t *testing.T) {
	finished := &record{Node: "abc", Made: made{Ports: Ports{Kubernetes: 6550}}}
	unfinished := &record{Made: made{Ports: Ports{Kubernetes: 6550}}}
	for _, test := range []struct {
		name   string
		record *record
		node   *container
		want   standing
	}{
		{"nothing", nil, nil, absent},
		{"killed before anything was made", unfinished, nil, absent},
		{"deleted by somebody", finished, nil, absent},
		{"no record", nil, described("abc", "running", "6550"), foreign},
		{"made anew by somebody", finished, described("xyz", "running", "6550"), foreign},
		{"made by somebody after an interrupted install", unfinished, described("xyz", "running", "6551"), foreign},
		{"interrupted", unfinished, described("abc", "running", "6550"), broken},
		{"interrupted, on an engine that says nothing of ports", unfinished, described("abc", "running", ""), broken},
		{"interrupted before it was started", unfinished, described("abc", "created", "6550"), broken},
		{"running", finished, described("abc", "running", "6550"), running},
		{"stopped", finished, described("abc", "exited", "6550"), stopped},
		{"paused", finished, described("abc", "paused", "6550"), paused},
		{"cannot be started", finished, described("abc", "dead", "6550"), broken},
	} {
		if got := judge(test.record, test.node); got != test.want {
			t.Errorf("%s: got %d, want %d", test.name, got, test.want)
		}
	}
}

func TestWhatAClusterCannotBeChangedInIsNamed(t *testing.T) {
	m := made{
		Image: "kindest/node:v1.34.4", Ports: Ports{Kubernetes: 6550, HTTP: 8080, HTTPS: 8443},
		PortMappings: []PortMapping{{HostPort: 53, ContainerPort: 5353, Protocol: "UDP"}},
		Mounts:       []Mount{{HostPath: "/srv", ContainerPath: "/srv"}},
	}
	same := Options{
		Ports:        Ports{HTTP: 8080},
		PortMappings: []PortMapping{{HostPort: 53, ContainerPort: 5353, Protocol: "UDP", ListenAddress: "127.0.0.1"}},
		Mounts:       m.Mounts,
	}
	if faults := m.changes(same); len(faults) > 0 {
		t.Errorf("got %v of the same", faults)
	}
	other := Options{
		Image: "kindest/node:v1.36.0", Ports: Ports{Kubernetes: 6443, HTTP: 80, HTTPS: 443},
		Mounts: []Mount{{HostPath: "/srv", ContainerPath: "/srv", ReadOnly: true}}, Config: []byte("featureGates: {}"),
	}
	text := errors.Join(m.changes(other)...).Error()
	for _, want := range []string{
		"kindest/node:v1.34.4", "kindest/node:v1.36.0", "spec.kind.image",
		"spec.kind.ports.kubernetes", "6550", "6443", "spec.kind.ports.http:", "spec.kind.ports.https:",
		"spec.kind.portMappings", "127.0.0.1:53/UDP:5353", "with none", "spec.kind.mounts", "/srv:/srv:ro",
		"spec.kind.config",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
}

func TestARecordThatCannotBeReadIsNamedWithWhatToDo(t *testing.T) {
	c := recorded(t, testOptions(t), func(r *record) { r.Engine = "rm -rf /;" })
	_, err := c.readRecord()
	for _, want := range []string{"kind.json", "kind delete cluster --name demo"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q in it", err, want)
		}
	}
}
