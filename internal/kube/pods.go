package kube

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	podResource   = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	nodeResource  = schema.GroupVersionResource{Version: "v1", Resource: "nodes"}
	eventResource = schema.GroupVersionResource{Version: "v1", Resource: "events"}
)

// faultTimeout bounds finding out why pods do not run: somebody waits for the answer, who has waited for long already.
const faultTimeout = 5 * time.Second

// How much of a container's log tells why it does not run.
const (
	logLines = 5
	logBytes = 8 << 10
)

// PodFaults says of every pod in namespace that is neither ready nor complete why. What it cannot find out in a few
// seconds, of events, nodes and logs, it leaves out.
func (c *Client) PodFaults(ctx context.Context, namespace string) ([]PodFault, error) {
	ctx, cancel := context.WithTimeout(ctx, faultTimeout)
	defer cancel()
	pods, err := c.pods(ctx, namespace, "")
	if err != nil {
		return nil, err
	}
	var faults []PodFault
	for i := range pods {
		faults = append(faults, podFaults(&pods[i])...)
	}
	if len(faults) == 0 {
		return nil, nil
	}
	c.addPressure(ctx, faults)
	events := c.lastEvents(ctx, namespace, func(*corev1.Event) bool { return true })
	var group errgroup.Group
	group.SetLimit(parallel)
	for i := range faults {
		fault := &faults[i]
		fault.Event = events["Pod "+fault.Pod]
		if fault.logs != logNone {
			group.Go(func() error {
				fault.Log = c.tail(ctx, namespace, fault.Pod, fault.Container, fault.logs == logPrevious)
				return nil
			})
		}
	}
	_ = group.Wait()
	return faults, nil
}

// pods lists the pods in namespace that selector matches, by name.
func (c *Client) pods(ctx context.Context, namespace, selector string) ([]corev1.Pod, error) {
	options := metav1.ListOptions{LabelSelector: selector}
	list, err := c.dynamic.Resource(podResource).Namespace(namespace).List(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("listing pods in namespace %s: %w", namespace, err)
	}
	pods := make([]corev1.Pod, 0, len(list.Items))
	for i := range list.Items {
		pod, err := convert[corev1.Pod](&list.Items[i])
		if err != nil {
			return nil, err
		}
		pods = append(pods, *pod)
	}
	slices.SortFunc(pods, func(a, b corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	return pods, nil
}

// convert gives an object its Go type.
func convert[T any](obj *unstructured.Unstructured) (*T, error) {
	typed := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(obj.Object, typed); err != nil {
		return nil, fmt.Errorf("reading %s: %w", Describe(obj), err)
	}
	return typed, nil
}

// LastEvent returns the last event about an object, "" if there is none or it cannot be read. Without a UID, one that was
// called so before counts too. Events about what is in no namespace are in the one called default.
func (c *Client) LastEvent(ctx context.Context, object corev1.ObjectReference) string {
	events := c.lastEvents(ctx, cmp.Or(object.Namespace, metav1.NamespaceDefault), func(event *corev1.Event) bool {
		about := event.InvolvedObject
		return about.Kind == object.Kind && about.Namespace == object.Namespace && about.Name == object.Name &&
			(object.UID == "" || about.UID == object.UID)
	})
	return events[object.Kind+" "+object.Name]
}

// lastEvents returns the last event about each object in namespace of those that are wanted, by the object's kind and name;
// none if they cannot be read.
func (c *Client) lastEvents(ctx context.Context, namespace string, wanted func(*corev1.Event) bool) map[string]string {
	list, err := c.dynamic.Resource(eventResource).Namespace(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil
	}
	texts, times := map[string]string{}, map[string]time.Time{}
	for i := range list.Items {
		event, err := convert[corev1.Event](&list.Items[i])
		if err != nil || !wanted(event) {
			continue
		}
		about := event.InvolvedObject.Kind + " " + event.InvolvedObject.Name
		at, last := eventTime(event), times[about]
		// Of two in the same second, the warning says more.
		if texts[about] == "" || at.After(last) || at.Equal(last) && event.Type == corev1.EventTypeWarning {
			texts[about], times[about] = reasonAnd(event.Reason, event.Message), at
		}
	}
	return texts
}

// eventTime is when an event was seen last. Which field that is depends on who reports it.
func eventTime(event *corev1.Event) time.Time {
	latest := event.CreationTimestamp.Time
	candidates := []time.Time{event.FirstTimestamp.Time, event.LastTimestamp.Time, event.EventTime.Time}
	if event.Series != nil {
		candidates = append(candidates, event.Series.LastObservedTime.Time)
	}
	for _, candidate := range candidates {
		if candidate.After(latest) {
			latest = candidate
		}
	}
	return latest.Truncate(time.Second)
}

// addPressure says of pods that no node takes which nodes are short of something: the scheduler only says that nodes
// have taints that the pod does not tolerate.
func (c *Client) addPressure(ctx context.Context, faults []PodFault) {
	if !slices.ContainsFunc(faults, PodFault.unschedulable) {
		return
	}
	list, err := c.dynamic.Resource(nodeResource).List(ctx, metav1.ListOptions{})
	if err != nil {
		return
	}
	pressures := []corev1.NodeConditionType{corev1.NodeDiskPressure, corev1.NodeMemoryPressure, corev1.NodePIDPressure}
	var short []string
	for i := range list.Items {
		for _, kind := range pressures {
			if Condition(&list.Items[i], string(kind)) == string(corev1.ConditionTrue) {
				short = append(short, fmt.Sprintf("node %s has %s", list.Items[i].GetName(), kind))
			}
		}
	}
	if len(short) == 0 {
		return
	}
	for i := range faults {
		if faults[i].unschedulable() {
			faults[i].NodePressure = true
			faults[i].Reason += " (" + strings.Join(short, ", ") + ")"
		}
	}
}

// tail returns the last lines of a container's log, or of that of its run before; nothing if they cannot be read.
func (c *Client) tail(ctx context.Context, namespace, pod, container string, previous bool) []string {
	lines, most := int64(logLines), int64(logBytes)
	stream, err := c.core.Pods(namespace).GetLogs(pod, &corev1.PodLogOptions{
		Container: container, Previous: previous, TailLines: &lines, LimitBytes: &most,
	}).Stream(ctx)
	if err != nil {
		return nil
	}
	defer func() { _ = stream.Close() }()
	text, err := io.ReadAll(stream)
	text = bytes.TrimSpace(text)
	if err != nil || len(text) == 0 {
		return nil
	}
	return logText(string(text))
}

// controlSequence is one by which a program colours what it takes to be a terminal (ECMA-48, 5.4).
var controlSequence = regexp.MustCompile("\x1b\\[[0-?]*[ -/]*[@-~]")

// logText splits a log into lines, which do not steer the terminal of whoever reads them.
func logText(text string) []string {
	return strings.Split(strings.ReplaceAll(controlSequence.ReplaceAllString(text, ""), "\r", ""), "\n")
}
