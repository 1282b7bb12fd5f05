package hub

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/back-stack/backstack/charts"
	"github.com/back-stack/backstack/hub/spec"
	"github.com/back-stack/backstack/internal/kube"
	"github.com/back-stack/backstack/internal/supervisor"
)

var podResource = schema.GroupVersionResource{Version: "v1", Resource: "pods"}

// describePods describes the components of a hub that run as pods.
func describePods(ctx context.Context, client *kube.Client, description *spec.Hub) ([]ComponentStatus, error) {
	present, err := client.List(ctx, podResource, "")
	if err != nil {
		return nil, fmt.Errorf("the API server does not answer: %w", err)
	}
	components := []ComponentStatus{}
	for _, name := range enabledComponents(description) {
		chart, ok := charts.Lookup(name)
		if !ok {
			continue
		}
		component := ComponentStatus{Name: name, Programs: []ProgramStatus{}}
		var faults map[string]kube.PodFault
		images := map[string]bool{}
		for _, pod := range present {
			if pod.GetNamespace() == chart.Namespace {
				component.Programs = append(component.Programs, podStatus(&pod))
				if runs(&pod) {
					collectImages(description, &pod, images)
				}
			}
		}
		component.Version = cmp.Or(runningVersion(name, images), versionOf(name, description))
		component.Healthy = len(component.Programs) > 0 &&
			!slices.ContainsFunc(component.Programs, func(p ProgramStatus) bool { return !p.Healthy })
		if !component.Healthy {
			if faults, err = podFaults(ctx, client, chart.Namespace); err != nil {
				return nil, err
			}
		}
		component.addFaults(faults)
		components = append(components, component)
	}
	return components, nil
}

// runs tells whether a pod's containers run, and are to go on.
func runs(pod *unstructured.Unstructured) bool {
	phase, _, _ := unstructured.NestedString(pod.Object, "status", "phase")
	return phase == "Running" && pod.GetDeletionTimestamp() == nil
}

// runningVersion tells by the tags of the images that are called as a component is which version of it runs. While one
// takes another's place these are two, and without such a tag it is "".
func runningVersion(component string, images map[string]bool) string {
	var versions []string
	for image := range images {
		image, _, _ = strings.Cut(image, "@") // a digest
		if name, tag, tagged := strings.Cut(path.Base(image), ":"); tagged && name == component {
			versions = append(versions, strings.TrimSuffix(strings.TrimPrefix(tag, "v"), "-rootless")) // as Gitea's
		}
	}
	slices.Sort(versions)
	return strings.Join(slices.Compact(versions), ", ")
}

// podStatus describes a pod by itself.
func podStatus(pod *unstructured.Unstructured) ProgramStatus {
	phase, _, _ := unstructured.NestedString(pod.Object, "status", "phase")
	status := ProgramStatus{
		Name: pod.GetName(), Healthy: phase == "Succeeded" || kube.Condition(pod, "Ready") == "True",
	}
	var ended string
	status.Restarts, ended = kube.Restarts(pod)
	switch {
	case !status.Healthy:
		status.Reason = phase
	case status.Restarts > 0:
		if ended == "" {
			ended = "ended in a way that the kubelet has not kept"
		}
		status.Reason = supervisor.Status{State: supervisor.Ready, Restarts: status.Restarts}.Reason() + ", last " + ended
	}
	return status
}

func podFaults(ctx context.Context, client *kube.Client, namespace string) (map[string]kube.PodFault, error) {
	list, err := client.PodFaults(ctx, namespace)
	if err != nil {
		return nil, err
	}
	faults := map[string]kube.PodFault{}
	for _, fault := range list {
		faults[fault.Pod] = fault
	}
	return faults, nil
}

// addFaults says why pods are not healthy.
func (c *ComponentStatus) addFaults(faults map[string]kube.PodFault) {
	if len(c.Programs) == 0 {
		c.Reason = "it has no pods"
		return
	}
	slices.SortFunc(c.Programs, func(a, b ProgramStatus) int { return cmp.Compare(a.Name, b.Name) })
	var reasons []string
	for n := range c.Programs {
		program := &c.Programs[n]
		if fault, ok := faults[program.Name]; ok && !program.Healthy {
			program.Reason, program.Tail = fault.String(), fault.Log
		}
		if program.Reason != "" {
			reasons = append(reasons, program.Name+": "+program.Reason)
		}
	}
	c.Reason = strings.Join(reasons, "; ")
}

// causesTimeout bounds what may be found out about Applications, and about pods, once a wait has ended.
const causesTimeout = 10 * time.Second

// podCauses says what is wrong with the hub's pods, after the wait for them has ended.
func (i *install) podCauses(ctx context.Context) []string {
	if i.place.embedded != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), causesTimeout)
	defer cancel()
	var causes []string
	for _, component := range charts.Components() {
		if !i.enabled(component.Name) {
			continue
		}
		faults, err := i.client.PodFaults(ctx, component.Namespace)
		if err != nil {
			return append(causes, err.Error())
		}
		for _, fault := range faults {
			causes = append(causes, strings.Join(append([]string{fault.String()}, fault.Log...), "\n    "))
		}
	}
	return causes
}
