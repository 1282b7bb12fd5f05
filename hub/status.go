package hub

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/cluster"
	"github.com/back-stack/backstack/internal/cluster/embedded"
	"github.com/back-stack/backstack/internal/cluster/kind"
	"github.com/back-stack/backstack/internal/kube"
	"github.com/back-stack/backstack/internal/supervisor"
)

// Status is what there is of a hub. Its JSON form only grows.
type Status struct {
	Hub          string              `json:"hub"`
	Healthy      bool                `json:"healthy"`
	Cluster      ClusterStatus       `json:"cluster"`
	Components   []ComponentStatus   `json:"components"`
	Applications []ApplicationStatus `json:"applications"`
	Beads        []BeadStatus        `json:"beads"`
	Spokes       []SpokeStatus       `json:"spokes"`
}

// ClusterStatus is that of the cluster that the hub runs on.
type ClusterStatus struct {
	Provider string `json:"provider"`
	Healthy  bool   `json:"healthy"`
	Version  string `json:"version"` // of Kubernetes
	Server   string `json:"server"`  // the API server's URL
	Reason   string `json:"reason,omitempty"`
}

// ComponentStatus is that of one component and of its programs.
type ComponentStatus struct {
	Name     string          `json:"name"`
	Version  string          `json:"version"`
	Healthy  bool            `json:"healthy"`
	Reason   string          `json:"reason"` // why it is not healthy, or what happened to it; may be empty
	Programs []ProgramStatus `json:"programs"`
}

// ProgramStatus is that of a process of an embedded hub, or of a pod of another.
type ProgramStatus struct {
	Name     string   `json:"name"`
	Healthy  bool     `json:"healthy"`
	PID      int      `json:"pid,omitempty"`
	Restarts int      `json:"restarts"`
	Memory   int64    `json:"memory,omitempty"` // resident, in bytes
	Reason   string   `json:"reason,omitempty"`
	Log      string   `json:"log"`            // the path of its log; empty for a pod
	Tail     []string `json:"tail,omitempty"` // the log's last lines, if it is not healthy
}

// BeadStatus is that of an installed Bead.
type BeadStatus struct {
	Name    string `json:"name"`
	Healthy bool   `json:"healthy"`
	Reason  string `json:"reason,omitempty"`
}

// SpokeStatus is that of a registered spoke.
type SpokeStatus struct {
	Name    string `json:"name"`
	Healthy bool   `json:"healthy"`
	Reason  string `json:"reason,omitempty"`
}

// statusTimeout bounds each question to a cluster that may not answer.
const statusTimeout = 5 * time.Second

// tailLines is how much of an unhealthy program's log a status shows.
const tailLines = 5

// Describe finds out what there is of the hub called name.
func (h Home) Describe(ctx context.Context, name string) (*Status, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	description, err := h.describedBy(name)
	if err != nil {
		return nil, err
	}
	place, err := h.newPlace(description, placeOptions{})
	if err != nil {
		return nil, err
	}
	found, err := place.Status(ctx)
	if err != nil {
		return nil, err
	}
	status := &Status{
		Hub:          name,
		Cluster:      ClusterStatus{Provider: string(description.Spec.Provider), Version: found.Version, Server: found.Server},
		Applications: []ApplicationStatus{}, Beads: []BeadStatus{}, Spokes: []SpokeStatus{},
	}
	supervised := embedded.Layout{Root: h.Dir(name)}.Supervisor()
	status.Components = describeComponents(found.Programs, description, supervised)
	if !found.Running {
		status.Cluster.Reason = cmp.Or(found.Reason, stoppedReason(description))
		return status, nil
	}
	if status.Cluster.Reason = apiServerFault(found.Programs); status.Cluster.Reason != "" {
		return status, nil
	}
	client, err := kube.New(place.Kubeconfig())
	if err != nil {
		return nil, err
	}
	if place.embedded == nil {
		if status.Components, err = describePods(ctx, client, description); err != nil {
			status.Cluster.Reason = err.Error()
			return status, nil
		}
	}
	if err := status.addApplications(ctx, client); err != nil {
		status.Cluster.Reason = err.Error()
		return status, nil
	}
	status.Cluster.Healthy = true
	status.Healthy = status.allHealthy()
	return status, nil
}

// apiServerFault says why the API server cannot answer, so that it need not be asked; "" if its process is well, or not
// one of ours.
func apiServerFault(programs []cluster.Program) string {
	for _, program := range programs {
		if program.Name == "kube-apiserver" && !program.Healthy {
			return "the API server does not answer: " + program.Name + ": " + program.Reason
		}
	}
	return ""
}

// describedBy returns the description that the hub called name was installed from. What someone has committed since to
// the hub.yaml in hub.git counts only when it is installed.
func (h Home) describedBy(name string) (*spec.Hub, error) {
	data, source, err := h.installed(name)
	if err != nil {
		return nil, err
	}
	description, err := spec.Load(data, source)
	if err != nil {
		return nil, fmt.Errorf("reading what hub %s was installed as: %w; `backstack install --hub %s` writes it anew from the "+
			"repository of an embedded hub, and with -f FILE from another hub.yaml", name, err, name)
	}
	return spec.Resolve(description), nil
}

// describedOrFound is describedBy for what can be done to a hub whatever it was described by: if that cannot be read, as that
// of a newer backstack, by what of the hub is on this machine.
func (h Home) describedOrFound(name string) (*spec.Hub, error) {
	description, err := h.describedBy(name)
	if err == nil {
		return description, nil
	}
	found := spec.Default(name)
	switch _, processes := os.Stat(embedded.Layout{Root: h.Dir(name)}.Supervisor()); {
	case processes == nil:
		found.Spec.Provider = spec.ProviderEmbedded
	case kind.Made(h.Dir(name)):
		found.Spec.Provider = spec.ProviderKind
	default:
		return nil, err
	}
	return spec.Resolve(found), nil
}

func (s *Status) allHealthy() bool {
	return !slices.ContainsFunc(s.Components, func(c ComponentStatus) bool { return !c.Healthy }) &&
		!slices.ContainsFunc(s.Applications, func(a ApplicationStatus) bool { return !a.Healthy() }) &&
		len(s.Applications) > 0
}

// describeComponents sorts programs to their components.
func describeComponents(programs []cluster.Program, description *spec.Hub, supervisorDir string) []ComponentStatus {
	wanted := append([]string{kubernetes}, enabledComponents(description)...)
	components := make([]ComponentStatus, 0, len(wanted))
	for _, name := range wanted {
		component := ComponentStatus{Name: name, Version: versionOf(name, description), Healthy: true, Programs: []ProgramStatus{}}
		for _, program := range programs {
			if program.Component == name {
				component.add(program, supervisorDir)
			}
		}
		if len(component.Programs) == 0 {
			component.Healthy, component.Reason = false, "it does not run"
		}
		components = append(components, component)
	}
	return components
}

// enabledComponents are those that a hub has, sorted.
func enabledComponents(description *spec.Hub) []string {
	return slices.DeleteFunc(spec.Components(), func(name string) bool { return !enabled(description, name) })
}

func (c *ComponentStatus) add(program cluster.Program, supervisorDir string) {
	status := ProgramStatus{
		Name: program.Name, Healthy: program.Healthy, PID: program.PID, Restarts: program.Restarts, Memory: program.RSS,
		Reason: program.Reason, Log: program.Log,
	}
	if !program.Healthy {
		c.Healthy = false
		status.Tail, _ = supervisor.TailLog(supervisorDir, program.Name, tailLines) // no log says nothing
	}
	if program.Reason != "" {
		if c.Reason != "" {
			c.Reason += "; "
		}
		c.Reason += program.Name + ": " + program.Reason
	}
	c.Programs = append(c.Programs, status)
}

// kubernetes is the component that every hub has and that hub.yaml does not name.
const kubernetes = "kubernetes"

func versionOf(component string, description *spec.Hub) string {
	if component == kubernetes {
		return kubernetesVersion
	}
	return string(description.Spec.Components[component].Version)
}

// addApplications asks the cluster for the Applications, and for the last event of each that is not healthy.
func (s *Status) addApplications(ctx context.Context, client *kube.Client) error {
	present, err := client.List(ctx, applications, argoNamespace)
	if err != nil {
		return fmt.Errorf("the API server does not answer: %w", err)
	}
	for _, obj := range present {
		app := ApplicationStatusOf(&obj)
		app.addEvents(ctx, client, &obj)
		s.Applications = append(s.Applications, app)
		if name, ok := strings.CutPrefix(app.Name, "bead-"); ok && app.project == "beads" {
			s.Beads = append(s.Beads, BeadStatus{Name: name, Healthy: app.Healthy(), Reason: app.Reason})
		}
	}
	slices.SortFunc(s.Applications, func(a, b ApplicationStatus) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}

// Err returns an error if the hub is not healthy; why is in the status itself.
func (s *Status) Err() error {
	if s.Healthy {
		return nil
	}
	if s.Cluster.Reason != "" {
		return &UnhealthyError{Err: fmt.Errorf("hub %s is not healthy: %s", s.Hub, s.Cluster.Reason)}
	}
	return &UnhealthyError{Err: fmt.Errorf("hub %s is not healthy: the reasons are above", s.Hub)}
}
