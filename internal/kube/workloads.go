package kube

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// WorkloadError says that workloads have not been rolled out.
type WorkloadError struct {
	Err     error      // what was waited for, and why the wait ended: the context's cause, or ErrImageUnavailable
	Unready []string   // the workloads, and what is missing: "Deployment web: 0 of 1 replicas are available"
	Faults  []PodFault // of their pods
}

func (e *WorkloadError) Error() string {
	return strings.Join(append([]string{e.Err.Error()}, e.Causes()...), "\n  ")
}

// Unwrap returns why the wait ended.
func (e *WorkloadError) Unwrap() error { return e.Err }

// Causes are what is not rolled out and why, a line each; below a pod are the last lines of its log.
func (e *WorkloadError) Causes() []string {
	causes := slices.Clone(e.Unready)
	for _, fault := range e.Faults {
		causes = append(causes, fault.String())
		for _, line := range fault.Log {
			causes = append(causes, "  "+line)
		}
	}
	return causes
}

// AwaitWorkloads waits until the Deployments, StatefulSets and DaemonSets in namespace that selector matches, all if it
// is empty, are rolled out; at least one has to be there. waiting, if not nil, is told what it waits for when that
// changes.
//
// It fails before ctx ends when an image cannot be had (ErrImageUnavailable). An error is a WorkloadError; what their
// pods are is not found out when ctx is cancelled, for then somebody wants it to end.
func (c *Client) AwaitWorkloads(ctx context.Context, namespace, selector string, waiting func(string)) error {
	return c.awaitWorkloads(ctx, namespace, selector, waiting, imagePatience)
}

func (c *Client) awaitWorkloads(
	ctx context.Context, namespace, selector string, waiting func(string), patience time.Duration,
) error {
	watching, stop := context.WithCancel(ctx)
	feeds := c.feed(watching, namespace, selector)
	r := &rollout{client: c, namespace: namespace, selector: selector, patience: patience, objects: objectsByResource{}}
	err := r.await(ctx, feeds.changes, waiting)
	stop()
	faults := feeds.end()
	if ended := new(WorkloadError); errors.As(err, &ended) && ctx.Err() != nil {
		ended.Unready = append(ended.Unready, faults...)
	}
	return err
}

// objectsByResource are the objects of several kinds, in the order of their names.
type objectsByResource map[schema.GroupVersionResource][]*unstructured.Unstructured

// change is what there is of one kind.
type change struct {
	resource schema.GroupVersionResource
	objects  []*unstructured.Unstructured
}

// feeds watch several kinds at once.
type feeds struct {
	changes chan change
	running sync.WaitGroup
	faults  []string // why a kind could not be watched
}

// workloadResources are the kinds that are waited for.
func workloadResources() []schema.GroupVersionResource {
	return []schema.GroupVersionResource{deploymentResource, statefulSetResource, daemonSetResource}
}

// feed watches the workloads that selector matches, and all pods, until ctx ends.
func (c *Client) feed(ctx context.Context, namespace, selector string) *feeds {
	resources := append(workloadResources(), podResource)
	f := &feeds{changes: make(chan change), faults: make([]string, len(resources))}
	for i, resource := range resources {
		f.running.Go(func() {
			matching := metav1.ListOptions{LabelSelector: selector}
			if resource == podResource {
				matching = metav1.ListOptions{}
			}
			_, err := c.follow(ctx, resource, namespace, matching, func(objects []*unstructured.Unstructured) bool {
				select {
				case f.changes <- change{resource, objects}:
					return false
				case <-ctx.Done():
					return true
				}
			})
			if err != nil {
				f.faults[i] = fmt.Sprintf("%s cannot be watched: %v", resource.Resource, err)
			}
		})
	}
	return f
}

// end waits until nothing is watched any more, whose context is to have ended, and returns what kept kinds from being
// watched at the end.
func (f *feeds) end() []string {
	f.running.Wait()
	return slices.DeleteFunc(f.faults, func(fault string) bool { return fault == "" })
}

// rollout is one wait.
type rollout struct {
	client              *Client
	namespace, selector string
	patience            time.Duration // with images

	objects objectsByResource
	since   map[string]time.Time // since when containers' images are known not to be had
}

// await takes in changes until everything is rolled out.
func (r *rollout) await(ctx context.Context, changes <-chan change, waiting func(string)) error {
	last := ""
	for {
		unready, err := r.unready()
		if err != nil {
			return err
		}
		if unready != nil && len(unready) == 0 {
			return nil
		}
		if what := r.describe(unready); r.listed() && what != last {
			last = what
			if waiting != nil {
				waiting(what)
			}
		}
		image, again := r.judgeImages(ctx, unready)
		if image != nil {
			return r.failed(ctx, fmt.Errorf("%w: %s; want it in a registry that the nodes reach and may pull from, or on the "+
				"nodes", ErrImageUnavailable, image.Image), unready)
		}
		select {
		case <-ctx.Done():
			return r.failed(ctx, context.Cause(ctx), unready)
		case c := <-changes:
			r.objects[c.resource] = c.objects
		case <-again:
		}
	}
}

// listed says whether all workloads are known.
func (r *rollout) listed() bool {
	return !slices.ContainsFunc(workloadResources(), func(resource schema.GroupVersionResource) bool {
		_, known := r.objects[resource]
		return !known
	})
}

// unready returns the workloads that are not rolled out; nil if they are not known yet, or if there is no workload at
// all.
func (r *rollout) unready() ([]*workload, error) {
	if !r.listed() {
		return nil, nil
	}
	var unready []*workload
	for _, resource := range workloadResources() {
		for _, obj := range r.objects[resource] {
			w, err := newWorkload(obj)
			if err != nil {
				return nil, err
			}
			if unready == nil {
				unready = []*workload{}
			}
			if w.progress != "" {
				unready = append(unready, w)
			}
		}
	}
	slices.SortFunc(unready, func(a, b *workload) int { return strings.Compare(a.name, b.name) })
	return unready, nil
}

// describe says what is waited for.
func (r *rollout) describe(unready []*workload) string {
	if unready == nil {
		if r.selector == "" {
			return "workloads in namespace " + r.namespace + " to be there"
		}
		return "workloads with " + r.selector + " in namespace " + r.namespace + " to be there"
	}
	texts := describeWorkloads(unready)
	for i, w := range unready {
		if trouble := r.trouble(w); trouble != "" {
			texts[i] += " (" + trouble + ")"
		}
	}
	return strings.Join(texts, ", ")
}

// trouble says what is wrong with a pod of a workload, if something is, rather than that it is about to start.
func (r *rollout) trouble(w *workload) string {
	for _, obj := range r.objects[podResource] {
		pod, err := convert[corev1.Pod](obj)
		if err != nil || podOwner(pod) != w.name {
			continue
		}
		for _, fault := range podFaults(pod) {
			if fault.unschedulable() || fault.ImageUnavailable || fault.Evicted || fault.logs == logPrevious {
				return fault.Reason
			}
		}
	}
	return ""
}

func describeWorkloads(workloads []*workload) []string {
	texts := make([]string, len(workloads))
	for i, w := range workloads {
		texts[i] = w.name + ": " + w.progress
	}
	return texts
}

// judgeImages returns an image that there is no use to wait for, if there is one, and otherwise a channel that says
// when to judge again; nil if only a change can change anything.
func (r *rollout) judgeImages(ctx context.Context, unready []*workload) (*PodFault, <-chan time.Time) {
	now := time.Now()
	seen := map[string]time.Time{}
	var next time.Time
	for _, obj := range r.objects[podResource] {
		pod, err := convert[corev1.Pod](obj)
		if err != nil {
			continue // it says nothing about images
		}
		w := ownedBy(podOwner(pod), unready)
		if w == nil || !w.observed {
			continue
		}
		for _, fault := range podFaults(pod) {
			patience, key := r.patience, fault.uid+"/"+fault.Container
			since, known := r.since[key]
			switch {
			case fault.ImageUnavailable && fault.outlook == outlookHopeless:
				patience = 0
			case fault.ImageUnavailable && (fault.outlook == outlookBad || fault.outlook == outlookUnknown && known):
			default:
				continue
			}
			if !known {
				since = now
			}
			seen[key] = since
			end := since.Add(patience)
			if end.After(now) {
				if next.IsZero() || end.Before(next) {
					next = end
				}
			} else if r.client.isCurrent(ctx, pod, w) {
				return &fault, nil
			}
		}
	}
	r.since = seen
	if next.IsZero() {
		return nil, nil
	}
	return nil, time.After(time.Until(next))
}

func ownedBy(owner string, workloads []*workload) *workload {
	for _, w := range workloads {
		if w.name == owner {
			return w
		}
	}
	return nil
}

// isCurrent says whether a pod is what its workload is to be. The pods of an earlier template of a Deployment stay
// until the new ones are available: that their image cannot be had may be what the new template mends. A StatefulSet
// does not replace a pod that never became ready, so all of its pods count, and a DaemonSet replaces such a pod at
// once.
func (c *Client) isCurrent(ctx context.Context, pod *corev1.Pod, w *workload) bool {
	if !strings.HasPrefix(w.name, "Deployment ") {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, faultTimeout)
	defer cancel()
	for _, owner := range pod.OwnerReferences {
		set, err := c.Get(ctx, replicaSetResource, pod.Namespace, owner.Name)
		if err == nil {
			return set.GetAnnotations()[revisionAnnotation] == w.revision
		}
	}
	return false // its ReplicaSet is gone, or cannot be asked for
}

// failed makes the error of a wait that ended because of cause.
func (r *rollout) failed(ctx context.Context, cause error, unready []*workload) error {
	failure := &WorkloadError{
		Err:     fmt.Errorf("waiting for workloads in namespace %s: %w", r.namespace, cause),
		Unready: describeWorkloads(unready),
	}
	if unready == nil {
		failure.Unready = []string{r.describe(nil)}
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return failure
	}
	ctx = context.WithoutCancel(ctx)
	faults, listErr := r.client.PodFaults(ctx, r.namespace)
	if listErr != nil {
		failure.Unready = append(failure.Unready, listErr.Error())
	}
	for _, fault := range faults {
		if ownedBy(fault.Owner, unready) != nil {
			failure.Faults = append(failure.Faults, fault)
		}
	}
	r.addEvents(ctx, failure, unready)
	return failure
}

// addEvents adds the last warning about them to workloads whose pods are not at fault: it says why they get none.
func (r *rollout) addEvents(ctx context.Context, failure *WorkloadError, unready []*workload) {
	ctx, cancel := context.WithTimeout(ctx, faultTimeout)
	defer cancel()
	var events map[string]string
	for i, w := range unready {
		if slices.ContainsFunc(failure.Faults, func(fault PodFault) bool { return fault.Owner == w.name }) {
			continue
		}
		if events == nil {
			events = r.client.lastEvents(ctx, r.namespace, func(event *corev1.Event) bool {
				return event.Type == corev1.EventTypeWarning
			})
		}
		if event := events[w.name]; event != "" {
			failure.Unready[i] += "; last event: " + event
		}
	}
}
