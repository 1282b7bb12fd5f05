package kube

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/scheme"
	corefake "k8s.io/client-go/kubernetes/typed/core/v1/fake"
	clienttesting "k8s.io/client-go/testing"
)

// newPod makes a pod of the Deployment called app, with one container.
func newPod(name, app string, status corev1.ContainerStatus) *corev1.Pod {
	pod := &corev1.Pod{}
	pod.APIVersion, pod.Kind = "v1", "Pod"
	pod.Name, pod.Namespace, pod.UID = name, "box", types.UID("uid-of-"+name)
	pod.Labels = map[string]string{"app": app, "pod-template-hash": "5d4f"}
	controller := true
	pod.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: app + "-5d4f", Controller: &controller}}
	pod.CreationTimestamp = metav1.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	pod.Spec.Containers = []corev1.Container{{Name: "main", Image: "registry.example/" + app + ":1"}}
	pod.Status.Phase = corev1.PodPending
	status.Name = "main"
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{status}
	return pod
}

func readyPod(name, app string) *corev1.Pod {
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	pod := newPod(name, app, corev1.ContainerStatus{Ready: true, State: running})
	pod.Status.Phase = corev1.PodRunning
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}}
	return pod
}

func waitingPod(name, app, reason, message string) *corev1.Pod {
	return newPod(name, app, corev1.ContainerStatus{
		State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}},
	})
}

func crashingPod(name, app string) *corev1.Pod {
	pod := waitingPod(name, app, "CrashLoopBackOff", "back-off 5m0s restarting failed container")
	status := &pod.Status.ContainerStatuses[0]
	status.RestartCount = 7
	status.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{ExitCode: 3, Reason: "Error"}
	return pod
}

func deletedPod(name, app string) *corev1.Pod {
	pod := readyPod(name, app)
	pod.DeletionTimestamp = &pod.CreationTimestamp
	return pod
}

// cluster is a fake one that has the objects.
func cluster(objects ...runtime.Object) (*fake.FakeDynamicClient, *Client) {
	dynamic := fake.NewSimpleDynamicClient(scheme.Scheme, objects...)
	return dynamic, &Client{dynamic: dynamic, core: &corefake.FakeCoreV1{Fake: &clienttesting.Fake{}}}
}

func TestPodsAtWorkHaveNoFaults(t *testing.T) {
	complete := newPod("job-1", "job", corev1.ContainerStatus{})
	complete.Status.Phase = corev1.PodSucceeded
	for _, pod := range []*corev1.Pod{readyPod("web-1", "web"), complete, deletedPod("web-2", "web")} {
		if faults := podFaults(pod); faults != nil {
			t.Errorf("%s has faults: %v", pod.Name, faults)
		}
	}
}

func TestPodFaultsNameTheReason(t *testing.T) {
	unschedulable := newPod("web-1", "web", corev1.ContainerStatus{})
	unschedulable.Status.ContainerStatuses = nil
	unschedulable.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable",
		Message: "0/1 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }.",
	}}
	evicted := newPod("web-1", "web", corev1.ContainerStatus{})
	evicted.Status.Phase, evicted.Status.Reason = corev1.PodFailed, "Evicted"
	evicted.Status.Message = "The node was low on resource: ephemeral-storage."
	initFails := waitingPod("web-1", "web", "PodInitializing", "")
	initFails.Spec.InitContainers = []corev1.Container{{Name: "done", Image: "a"}, {Name: "prepare", Image: "b"}}
	initFails.Status.InitContainerStatuses = []corev1.ContainerStatus{{Name: "done"}, {Name: "prepare"}}
	initFails.Status.InitContainerStatuses[0].State.Terminated = &corev1.ContainerStateTerminated{Reason: "Completed"}
	initFails.Status.InitContainerStatuses[1].State.Terminated = &corev1.ContainerStateTerminated{
		ExitCode: 137, Reason: "OOMKilled",
	}
	unready := readyPod("web-1", "web")
	unready.Status.Conditions[0].Status = corev1.ConditionFalse
	unready.Status.ContainerStatuses[0].Ready = false
	alone := waitingPod("web-1", "web", "ContainerCreating", "")
	alone.OwnerReferences = nil
	image, missing := "registry.example/web:1", `secret "web" not found`
	pull := "failed to pull and unpack image: not found"

	for _, test := range []struct {
		pod  *corev1.Pod
		want PodFault
	}{
		{unschedulable, PodFault{Reason: "Unschedulable: " + unschedulable.Status.Conditions[0].Message, NodePressure: true}},
		{evicted, PodFault{Reason: "Evicted: " + evicted.Status.Message, Evicted: true, NodePressure: true}},
		{initFails, PodFault{Container: "prepare", Image: "b", Reason: "exited with code 137 (OOMKilled)", logs: logCurrent}},
		{unready, PodFault{Container: "main", Image: image, Reason: "it runs and is not ready", logs: logCurrent}},
		{crashingPod("web-1", "web"), PodFault{
			Container: "main", Image: image, logs: logPrevious,
			Reason: "CrashLoopBackOff: it exited with code 3, and was started again 7 times",
		}},
		{waitingPod("web-1", "web", "CreateContainerConfigError", missing), PodFault{
			Container: "main", Image: image, Reason: "CreateContainerConfigError: " + missing,
		}},
		{waitingPod("web-1", "web", "ErrImagePull", pull), PodFault{
			Container: "main", Image: image, ImageUnavailable: true, outlook: outlookBad,
			Reason: "ErrImagePull: image registry.example/web:1: " + pull,
		}},
		{waitingPod("web-1", "web", "InvalidImageName", "could not parse registry.example/web:1\nat all"), PodFault{
			Container: "main", Image: image, ImageUnavailable: true, outlook: outlookHopeless,
			Reason: "InvalidImageName: could not parse registry.example/web:1 at all",
		}},
		{alone, PodFault{Container: "main", Image: image, Reason: "ContainerCreating"}},
	} {
		test.want.Pod, test.want.Owner, test.want.uid = "web-1", podOwner(test.pod), "uid-of-web-1"
		faults := podFaults(test.pod)
		if len(faults) != 1 || !equal(faults[0], test.want) {
			t.Errorf("got faults %+v, want one: %+v", faults, test.want)
		}
	}
}

func TestPodFaultDoesNotSayTheSameTwice(t *testing.T) {
	fault := PodFault{Pod: "web-1", Reason: "Unschedulable: 0/1 nodes", Event: "FailedScheduling: 0/1 nodes"}
	if got := fault.String(); got != "pod web-1: Unschedulable: 0/1 nodes" {
		t.Errorf("got %q", got)
	}
	fault.Event = "BackOff: again"
	if got := fault.String(); got != "pod web-1: Unschedulable: 0/1 nodes; last event: BackOff: again" {
		t.Errorf("got %q", got)
	}
}

func equal(a, b PodFault) bool {
	logs := slices.Equal(a.Log, b.Log)
	a.Log, b.Log = nil, nil
	return logs && a.String() == b.String() && a.Image == b.Image && a.ImageUnavailable == b.ImageUnavailable &&
		a.Evicted == b.Evicted && a.NodePressure == b.NodePressure && a.uid == b.uid && a.logs == b.logs &&
		a.outlook == b.outlook
}

func TestRestartsSayHowTheLastContainerEnded(t *testing.T) {
	pod := readyPod("web-1", "web")
	ended := func(count int32, second int, code int32, reason string) corev1.ContainerStatus {
		return corev1.ContainerStatus{RestartCount: count, LastTerminationState: corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{
				ExitCode: code, Reason: reason, FinishedAt: metav1.Date(2026, 1, 1, 0, 0, second, 0, time.UTC),
			},
		}}
	}
	for _, test := range []struct {
		statuses []corev1.ContainerStatus
		count    int
		ended    string
	}{
		{[]corev1.ContainerStatus{{}}, 0, ""},
		{[]corev1.ContainerStatus{{RestartCount: 2}}, 2, ""},
		{[]corev1.ContainerStatus{ended(1, 1, 137, "OOMKilled")}, 1, "exited with code 137 (OOMKilled)"},
		{[]corev1.ContainerStatus{ended(1, 9, 2, "Error"), ended(3, 5, 1, "Error")}, 4, "exited with code 2"},
		{[]corev1.ContainerStatus{ended(1, 5, 2, "Error"), ended(3, 9, 1, "Error")}, 4, "exited with code 1"},
	} {
		pod.Status.ContainerStatuses = test.statuses
		object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(pod)
		if err != nil {
			t.Fatal(err)
		}
		if count, ended := Restarts(&unstructured.Unstructured{Object: object}); count != test.count || ended != test.ended {
			t.Errorf("%d, %q, want %d, %q", count, ended, test.count, test.ended)
		}
	}
}

func TestPodOwnerIsWhatAPersonHasMade(t *testing.T) {
	pod := readyPod("web-1", "web")
	if got := podOwner(pod); got != "Deployment web" {
		t.Errorf("owner %q, want the ReplicaSet's Deployment", got)
	}
	pod.OwnerReferences[0].Kind, pod.OwnerReferences[0].Name = "StatefulSet", "web"
	if got := podOwner(pod); got != "StatefulSet web" {
		t.Errorf("owner %q, want StatefulSet web", got)
	}
}

func TestPodFaultsAddEventsAndLogs(t *testing.T) {
	about := func(pod, reason string, second int) *corev1.Event {
		event := &corev1.Event{Reason: reason, Message: "so it is", Type: corev1.EventTypeNormal}
		event.APIVersion, event.Kind = "v1", "Event"
		event.Name, event.Namespace = pod+"."+reason, "box"
		event.InvolvedObject = corev1.ObjectReference{Kind: "Pod", Name: pod}
		event.LastTimestamp = metav1.Date(2026, 1, 1, 0, 0, second, 0, time.UTC)
		return event
	}
	warning := about("web-1", "BackOff", 30)
	warning.Type = corev1.EventTypeWarning
	_, client := cluster(crashingPod("web-1", "web"), readyPod("web-2", "web"), warning, about("web-1", "Pulled", 30),
		about("web-1", "Scheduled", 2), about("web-2", "Started", 40))
	logs := client.core.(*corefake.FakeCoreV1)
	var asked *corev1.PodLogOptions
	logs.AddReactor("get", "pods", func(action clienttesting.Action) (bool, runtime.Object, error) {
		asked = action.(clienttesting.GenericAction).GetValue().(*corev1.PodLogOptions)
		return true, &runtime.Unknown{Raw: []byte("starting\r\npanic: no database\n")}, nil
	})
	faults, err := client.PodFaults(t.Context(), "box")
	if err != nil {
		t.Fatal(err)
	}
	if len(faults) != 1 || faults[0].Event != "BackOff: so it is" {
		t.Fatalf("got %+v, want the fault of web-1 with its last warning", faults)
	}
	if !slices.Equal(faults[0].Log, []string{"starting", "panic: no database"}) {
		t.Errorf("log %q, want its two lines", faults[0].Log)
	}
	if asked == nil || !asked.Previous || *asked.TailLines != 5 || asked.Container != "main" {
		t.Errorf("asked for %+v, want 5 lines of the run that crashed", asked)
	}
}

func TestPodFaultsLeaveOutWhatTheyCannotFindOut(t *testing.T) {
	dynamic, client := cluster(crashingPod("web-1", "web"))
	refuse := func(clienttesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("forbidden") }
	dynamic.PrependReactor("list", "events", refuse)
	client.core.(*corefake.FakeCoreV1).AddReactor("get", "pods", refuse)
	faults, err := client.PodFaults(t.Context(), "box")
	if err != nil || len(faults) != 1 || faults[0].Event != "" || faults[0].Log != nil {
		t.Errorf("got %+v, %v: want the fault without event and log", faults, err)
	}
}

func TestPodFaultsNameNodesThatAreShortOfSomething(t *testing.T) {
	pod := newPod("web-1", "web", corev1.ContainerStatus{})
	pod.Status.ContainerStatuses = nil
	pod.Status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable",
		Message: "0/1 nodes are available.",
	}}
	node := &corev1.Node{}
	node.APIVersion, node.Kind, node.Name = "v1", "Node", "worker"
	node.Status.Conditions = []corev1.NodeCondition{
		{Type: corev1.NodeDiskPressure, Status: corev1.ConditionTrue},
		{Type: corev1.NodeMemoryPressure, Status: corev1.ConditionFalse},
	}
	_, client := cluster(pod, node)
	faults, err := client.PodFaults(t.Context(), "box")
	if err != nil {
		t.Fatal(err)
	}
	want := "(node worker has DiskPressure)"
	if len(faults) != 1 || !faults[0].NodePressure || !strings.HasSuffix(faults[0].Reason, want) {
		t.Errorf("got %+v, want %s", faults, want)
	}
}

func TestImageOutlook(t *testing.T) {
	for _, test := range []struct {
		reason, message string
		want            outlook
	}{
		{"ErrImageNeverPull", `Container image "a" is not present with pull policy of Never`, outlookHopeless},
		{"InvalidImageName", "couldn't parse image name", outlookHopeless},
		{"ErrImagePull", `failed to resolve reference "docker.io/a:1": docker.io/a:1: not found`, outlookBad},
		{"ErrImagePull", "pull access denied, repository does not exist or may require authorization", outlookBad},
		{"ErrImagePull", `unexpected status from HEAD request to https://r/v2/a/manifests/1: 401 Unauthorized`, outlookBad},
		{"ErrImagePull", "dial tcp: lookup registry.example on 10.0.0.1:53: no such host", outlookBad},
		{"ErrImagePull", "tls: failed to verify certificate: x509: certificate signed by unknown authority", outlookBad},
		{"ImagePullBackOff", `Back-off pulling image "a": ErrImagePull: docker.io/a:1: not found`, outlookBad},
		{"ImagePullBackOff", `Back-off pulling image "a"`, outlookUnknown},
		{"ErrImagePull", `failed to resolve reference "a": unexpected status: 429 Too Many Requests`, outlookOpen},
		{"ErrImagePull", "write /var/lib/a: no space left on device", outlookOpen},
		{"ErrImagePull", "pull QPS exceeded", outlookOpen},
		{"ErrImagePull", "unexpected EOF", outlookOpen},
	} {
		if got := imageOutlook(test.reason, test.message); got != test.want {
			t.Errorf("%s: %s: outlook %d, want %d", test.reason, test.message, got, test.want)
		}
	}
}

func TestTheLastEventIsAboutTheObjectItself(t *testing.T) {
	event := func(name, uid, reason string, at time.Time) *corev1.Event {
		return &corev1.Event{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Event"}, ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: "box"},
			InvolvedObject: corev1.ObjectReference{Kind: "Pod", Name: "web-1", Namespace: "box", UID: types.UID(uid)},
			Reason:         reason, Message: "so it is", EventTime: metav1.NewMicroTime(at),
		}
	}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	_, client := cluster(
		event("a", "uid-of-web-1", "Newer", at.Add(time.Minute)), event("b", "uid-of-web-1", "Older", at),
		event("c", "of one that was called so before", "Newest", at.Add(time.Hour)),
	)
	pod := corev1.ObjectReference{Kind: "Pod", Namespace: "box", Name: "web-1"}
	if got := client.LastEvent(t.Context(), pod); got != "Newest: so it is" {
		t.Errorf("the last event is %q, want the newest of any pod of this name", got)
	}
	pod.UID = "uid-of-web-1"
	if got := client.LastEvent(t.Context(), pod); got != "Newer: so it is" {
		t.Errorf("the last event is %q, want the newest of this pod", got)
	}
	if got := client.LastEvent(t.Context(), corev1.ObjectReference{Kind: "Pod", Namespace: "box", Name: "web"}); got != "" {
		t.Errorf("a pod without events has %q", got)
	}
}

func TestALogDoesNotSteerTheTerminal(t *testing.T) {
	got := logText("\x1b[90m2026\x1b[0m \x1b[1;31mERR\x1b[0m no\r\nnext\x1b[2K")
	if want := []string{"2026 ERR no", "next"}; !slices.Equal(got, want) {
		t.Errorf("the lines are %q: want %q", got, want)
	}
}
