package kube

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic/fake"
	clienttesting "k8s.io/client-go/testing"
)

// forever is longer than any test.
const forever = 24 * time.Hour

// object gives a typed object its untyped form.
func object(t *testing.T, obj runtime.Object) *unstructured.Unstructured {
	t.Helper()
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		t.Fatal(err)
	}
	return &unstructured.Unstructured{Object: content}
}

func newDeploymentObject(name string, available int32) *appsv1.Deployment {
	d := &appsv1.Deployment{}
	d.APIVersion, d.Kind = "apps/v1", "Deployment"
	d.Name, d.Namespace, d.Generation = name, "box", 2
	d.Labels = map[string]string{"app": name}
	d.Annotations = map[string]string{revisionAnnotation: "2"}
	d.Status = appsv1.DeploymentStatus{
		ObservedGeneration: 2, Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: available,
	}
	return d
}

func replicaSet(app, revision string) *appsv1.ReplicaSet {
	s := &appsv1.ReplicaSet{}
	s.APIVersion, s.Kind = "apps/v1", "ReplicaSet"
	s.Name, s.Namespace = app+"-5d4f", "box"
	s.Annotations = map[string]string{revisionAnnotation: revision}
	return s
}

// watched returns a channel that says which kinds are watched, once they are.
func watched(cluster *fake.FakeDynamicClient) <-chan string {
	started := make(chan string, 100)
	cluster.PrependWatchReactor("*", func(action clienttesting.Action) (bool, watch.Interface, error) {
		stream, err := cluster.Tracker().Watch(action.GetResource(), action.GetNamespace())
		started <- action.GetResource().Resource
		return true, stream, err
	})
	return started
}

// update changes an object once its kind and that of pods are watched.
func update(t *testing.T, cluster *fake.FakeDynamicClient, started <-chan string, objects ...runtime.Object) {
	t.Helper()
	for waiting := map[string]bool{"pods": true, "deployments": true}; len(waiting) > 0; {
		delete(waiting, <-started)
	}
	for _, obj := range objects {
		resource := deploymentResource
		if _, ok := obj.(*corev1.Pod); ok {
			resource = podResource
		}
		objects := cluster.Resource(resource).Namespace("box")
		if _, err := objects.Update(t.Context(), object(t, obj), metav1.UpdateOptions{}); err != nil {
			t.Error(err)
		}
	}
}

func TestWorkloadsAreRolledOutWhenTheirReplicasAreUpdatedAndAvailable(t *testing.T) {
	deployment := func(change func(*appsv1.Deployment)) runtime.Object {
		d := newDeploymentObject("web", 1)
		change(d)
		return d
	}
	three := int32(3)
	set := func(change func(*appsv1.StatefulSet)) runtime.Object {
		s := &appsv1.StatefulSet{}
		s.Kind, s.Name, s.Generation, s.Spec.Replicas = "StatefulSet", "db", 2, &three
		s.Status = appsv1.StatefulSetStatus{ObservedGeneration: 2, Replicas: 3, UpdatedReplicas: 3, AvailableReplicas: 3}
		change(s)
		return s
	}
	daemons := func(change func(*appsv1.DaemonSet)) runtime.Object {
		d := &appsv1.DaemonSet{}
		d.Kind, d.Name, d.Generation = "DaemonSet", "agent", 2
		d.Status = appsv1.DaemonSetStatus{
			ObservedGeneration: 2, DesiredNumberScheduled: 3, UpdatedNumberScheduled: 3, NumberAvailable: 3,
		}
		change(d)
		return d
	}
	for _, test := range []struct {
		obj  runtime.Object
		want string
	}{
		{deployment(func(*appsv1.Deployment) {}), ""},
		{deployment(func(d *appsv1.Deployment) { d.Status.ObservedGeneration = 1 }), notObserved},
		{deployment(func(d *appsv1.Deployment) { d.Spec.Replicas = &three }), "1 of 3 replicas are updated"},
		{deployment(func(d *appsv1.Deployment) { d.Status.Replicas = 2 }), "1 old replicas are to end"},
		{deployment(func(d *appsv1.Deployment) { d.Status.AvailableReplicas = 0 }), "0 of 1 replicas are available"},
		{deployment(func(d *appsv1.Deployment) {
			d.Status.UpdatedReplicas = 0
			d.Status.Conditions = []appsv1.DeploymentCondition{{
				Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Message: "exceeded quota",
			}}
		}), "0 of 1 replicas are updated: exceeded quota"},
		{set(func(*appsv1.StatefulSet) {}), ""},
		{set(func(s *appsv1.StatefulSet) { s.Generation, s.Status.ObservedGeneration = 0, 0 }), notObserved},
		{set(func(s *appsv1.StatefulSet) { s.Status.UpdatedReplicas = 2 }), "2 of 3 replicas are updated"},
		{set(func(s *appsv1.StatefulSet) { s.Status.AvailableReplicas = 2 }), "2 of 3 replicas are available"},
		{set(func(s *appsv1.StatefulSet) { s.Status.Replicas = 4 }), "1 old replicas are to end"},
		{set(func(s *appsv1.StatefulSet) {
			s.Status.UpdatedReplicas = 1
			s.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{Partition: new(int32(2))}
		}), ""},
		{set(func(s *appsv1.StatefulSet) { s.Status.UpdatedReplicas, s.Spec.UpdateStrategy.Type = 0, "OnDelete" }), ""},
		{daemons(func(*appsv1.DaemonSet) {}), ""},
		{daemons(func(d *appsv1.DaemonSet) { d.Status.ObservedGeneration = 1 }), notObserved},
		{daemons(func(d *appsv1.DaemonSet) { d.Status.UpdatedNumberScheduled = 1 }), "1 of 3 pods are updated"},
		{daemons(func(d *appsv1.DaemonSet) { d.Status.NumberAvailable = 1 }), "1 of 3 pods are available"},
		{daemons(func(d *appsv1.DaemonSet) {
			d.Status.UpdatedNumberScheduled, d.Spec.UpdateStrategy.Type = 0, "OnDelete"
		}), ""},
	} {
		w, err := newWorkload(object(t, test.obj))
		if err != nil {
			t.Fatal(err)
		}
		if w.progress != test.want {
			t.Errorf("%s: %q is missing, want %q", w.name, w.progress, test.want)
		}
	}
}

func TestAwaitWorkloadsEndsWhenAllAreRolledOut(t *testing.T) {
	late := newDeploymentObject("slow", 0)
	late.Labels["app"] = "web"
	dynamic, client := cluster(
		late, newDeploymentObject("web", 1), newDeploymentObject("other", 0),
		waitingPod("web-1", "web", "ContainerCreating", ""))
	started := watched(dynamic)
	late = late.DeepCopy()
	late.Status.AvailableReplicas = 1
	told := make(chan struct{})
	go func() {
		<-told
		update(t, dynamic, started, late)
	}()
	var waited []string
	err := client.AwaitWorkloads(t.Context(), "box", "app=web", func(what string) {
		if waited = append(waited, what); len(waited) == 1 {
			close(told)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(waited) != 1 || waited[0] != "Deployment slow: 0 of 1 replicas are available" {
		t.Errorf("told to wait for %q, want the one Deployment that is late", waited)
	}
}

func TestWhatIsWaitedForSaysWhatIsWrongWithThePods(t *testing.T) {
	unschedulable := waitingPod("web-1", "web", "", "")
	unschedulable.Status.ContainerStatuses = nil
	unschedulable.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable,
		Message: "0/1 nodes are available: 1 Insufficient memory",
	}}
	for _, test := range []struct {
		pod  *corev1.Pod
		want string
	}{
		{unschedulable, " (Unschedulable: 0/1 nodes are available: 1 Insufficient memory)"},
		{crashingPod("web-1", "web"), " (CrashLoopBackOff: it exited with code 3"},
		{waitingPod("web-1", "web", "ErrImagePull", "registry.example/web:1: not found"),
			" (ErrImagePull: registry.example/web:1: not found)"},
		{waitingPod("web-1", "web", "ContainerCreating", ""), ""},
		{crashingPod("other-1", "other"), ""},
	} {
		r := &rollout{objects: objectsByResource{podResource: {object(t, test.pod)}}}
		got := r.describe([]*workload{{name: "Deployment web", progress: "0 of 1 replicas are available"}})
		if want := "Deployment web: 0 of 1 replicas are available" + test.want; !strings.HasPrefix(got, want) ||
			test.want == "" && got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAwaitWorkloadsWaitsForThemToBeThere(t *testing.T) {
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	_, client := cluster()
	err := client.AwaitWorkloads(ctx, "box", "app=web", func(what string) {
		if what != "workloads with app=web in namespace box to be there" {
			t.Errorf("told to wait for %q", what)
		}
		cancel(cause)
	})
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "app=web") {
		t.Errorf("error %v, want the cause and what was waited for", err)
	}
}

// overdue is a context whose end is that of its time.
type overdue struct{ context.Context }

func (c overdue) Err() error {
	if c.Context.Err() != nil {
		return context.DeadlineExceeded
	}
	return nil
}

func TestAwaitWorkloadsSaysWhatIsNotRolledOutInTime(t *testing.T) {
	_, client := cluster(
		newDeploymentObject("web", 0), crashingPod("web-1", "web"),
		newDeploymentObject("good", 1), crashingPod("good-1", "good"))
	cause := errors.New("not done after 10m")
	ctx, cancel := context.WithCancelCause(t.Context())
	err := client.AwaitWorkloads(overdue{ctx}, "box", "", func(string) { cancel(cause) })
	failure := new(WorkloadError)
	if !errors.As(err, &failure) || !errors.Is(err, cause) {
		t.Fatalf("error %v, want a WorkloadError with the cause", err)
	}
	if len(failure.Faults) != 1 || failure.Faults[0].Pod != "web-1" {
		t.Errorf("faults %+v, want that of web-1", failure.Faults)
	}
	for _, want := range []string{
		"namespace box", "Deployment web: 0 of 1 replicas are available",
		"pod web-1 (Deployment web), container main: CrashLoopBackOff", "fake logs",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not say %q", err, want)
		}
	}
}

func TestAwaitWorkloadsAsksNoMoreWhenItIsCancelled(t *testing.T) {
	dynamic, client := cluster(newDeploymentObject("web", 0), crashingPod("web-1", "web"))
	ctx, cancel := context.WithCancel(t.Context())
	err := client.AwaitWorkloads(ctx, "box", "", func(string) { cancel() })
	failure := new(WorkloadError)
	if !errors.As(err, &failure) || len(failure.Unready) != 1 || failure.Faults != nil {
		t.Errorf("error %v, want a WorkloadError with the Deployment alone", err)
	}
	for _, action := range dynamic.Actions() {
		if action.GetResource() == eventResource {
			t.Error("it asked for events")
		}
	}
}

func TestAwaitWorkloadsSaysWhyAWorkloadGetsNoPods(t *testing.T) {
	d := newDeploymentObject("web", 0)
	event := &corev1.Event{Reason: "FailedCreate", Message: "denied the request: no privileged pods", Type: "Warning"}
	event.APIVersion, event.Kind, event.Name, event.Namespace = "v1", "Event", "web.1", "box"
	event.InvolvedObject = corev1.ObjectReference{Kind: "Deployment", Name: "web"}
	later := event.DeepCopy()
	later.Name, later.Type, later.Reason, later.LastTimestamp = "web.2", "Normal", "ScalingReplicaSet", metav1.Now()
	_, client := cluster(d, event, later)
	ctx, cancel := context.WithCancelCause(t.Context())
	err := client.AwaitWorkloads(overdue{ctx}, "box", "", func(string) { cancel(errors.New("late")) })
	if err == nil || !strings.Contains(err.Error(), "last event: FailedCreate: denied the request") {
		t.Errorf("error %v, want the event", err)
	}
}

func TestAwaitWorkloadsGivesUpOnImagesThatCannotBeHad(t *testing.T) {
	for _, test := range []struct {
		reason, message string
		patience        time.Duration
	}{
		{"ErrImageNeverPull", "not present with pull policy of Never", forever},
		{"InvalidImageName", "couldn't parse image name", forever},
		{"ErrImagePull", "registry.example/web:1: not found", time.Millisecond},
	} {
		_, client := cluster(newDeploymentObject("web", 0), replicaSet("web", "2"),
			waitingPod("web-1", "web", test.reason, test.message))
		err := client.awaitWorkloads(t.Context(), "box", "", nil, test.patience)
		failure := new(WorkloadError)
		if !errors.Is(err, ErrImageUnavailable) || !errors.As(err, &failure) || len(failure.Faults) != 1 {
			t.Fatalf("error %v, want ErrImageUnavailable with the pod's fault", err)
		}
		if !failure.Faults[0].ImageUnavailable || !strings.Contains(err.Error(), "registry.example/web:1") {
			t.Errorf("error %v does not name the image", err)
		}
	}
}

func TestImagesAreJudgedByWhyTheyCannotBeHadAndWhoseTheyAre(t *testing.T) {
	const notFound = "registry.example/web:1: not found"
	for _, test := range []struct {
		name                      string
		reason, message, revision string
		observed                  bool
		patience                  time.Duration
		hopeless                  bool
	}{
		{"not found for long", "ErrImagePull", notFound, "2", true, 0, true},
		{"not found since now", "ErrImagePull", notFound, "2", true, forever, false},
		{"never pulled", "ErrImageNeverPull", "", "2", true, forever, true},
		{"the registry may let it in later", "ErrImagePull", "429 Too Many Requests", "2", true, 0, false},
		{"a pod of an earlier template", "ErrImagePull", notFound, "1", true, 0, false},
		{"the controller has not seen the new template", "InvalidImageName", "", "2", false, 0, false},
		{"another reason", "CreateContainerConfigError", "secret not found", "2", true, 0, false},
	} {
		_, client := cluster(replicaSet("web", test.revision))
		r := &rollout{client: client, patience: test.patience, objects: objectsByResource{
			podResource: {object(t, waitingPod("web-1", "web", test.reason, test.message))},
		}}
		unready := []*workload{{name: "Deployment web", observed: test.observed, revision: "2"}}
		image, again := r.judgeImages(t.Context(), unready)
		if (image != nil) != test.hopeless {
			t.Errorf("%s: got %v, want that it is hopeless: %t", test.name, image, test.hopeless)
		}
		if (again != nil) != (test.patience == forever && !test.hopeless) {
			t.Errorf("%s: wrong about when to judge again", test.name)
		}
	}
}

func TestAwaitWorkloadsKnowsNothingBeforeAllKindsAreListed(t *testing.T) {
	r := &rollout{objects: objectsByResource{
		deploymentResource: {object(t, newDeploymentObject("web", 1))}, statefulSetResource: nil,
	}}
	if unready, err := r.unready(); err != nil || unready != nil {
		t.Errorf("got %v, %v: want nil, for DaemonSets are not known", unready, err)
	}
	r.objects[daemonSetResource] = nil
	if unready, err := r.unready(); err != nil || unready == nil || len(unready) != 0 {
		t.Errorf("got %v, %v: want that all are rolled out", unready, err)
	}
}

func TestAwaitWorkloadsRemembersWhyAnImageCannotBeHadWhileTheKubeletPauses(t *testing.T) {
	r := &rollout{patience: forever, objects: objectsByResource{}}
	unready := []*workload{{name: "Deployment web", observed: true}}
	judge := func(reason, message string) time.Time {
		r.objects[podResource] = []*unstructured.Unstructured{object(t, waitingPod("web-1", "web", reason, message))}
		r.judgeImages(t.Context(), unready)
		return r.since["uid-of-web-1/main"]
	}
	if since := judge("ImagePullBackOff", "Back-off pulling image"); !since.IsZero() {
		t.Error("it takes a pause for a reason")
	}
	first := judge("ErrImagePull", "not found")
	if first.IsZero() || judge("ImagePullBackOff", "Back-off pulling image") != first {
		t.Error("it forgets the reason in a pause")
	}
	if since := judge("ErrImagePull", "429 Too Many Requests"); !since.IsZero() {
		t.Error("it remembers a reason that has passed")
	}
}

func TestAwaitWorkloadsSaysWhatItMayNotWatch(t *testing.T) {
	dynamic, client := cluster()
	ctx, cancel := context.WithCancel(t.Context())
	tries := 0
	dynamic.PrependReactor("list", "daemonsets", func(clienttesting.Action) (bool, runtime.Object, error) {
		if tries++; tries == 2 {
			cancel()
		}
		return true, nil, errors.New("daemonsets is forbidden")
	})
	err := client.AwaitWorkloads(ctx, "box", "", nil)
	if err == nil || !strings.Contains(err.Error(), "daemonsets is forbidden") {
		t.Errorf("error %v, want what kept it from watching", err)
	}
}
