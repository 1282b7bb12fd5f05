package kube

import (
	"cmp"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// PodFault is why a pod, or a container of it, is neither ready nor complete.
type PodFault struct {
	Pod       string // its name
	Owner     string // what looks after it: "Deployment argocd-server"; empty if nothing does
	Container string // empty if the reason is not a container's
	Reason    string // in one line

	Image            string // the container's, as the pod names it; empty if the reason is not a container's
	ImageUnavailable bool   // whether the reason is that the image cannot be had
	Evicted          bool   // whether the kubelet has ended the pod, which used more than it may or than its node has
	NodePressure     bool   // whether the reason is a node that is short of disk, memory or process IDs

	Event string   // the last event about the pod, "Reason: message"; empty if there is none
	Log   []string // the container's last lines, of its run that ended if it was started again and again

	uid     string  // the pod's
	outlook outlook // the image's, if ImageUnavailable
	logs    logKind
}

// logKind is which log of a container says why it does not run.
type logKind int

const (
	logNone     logKind = iota // it has never run
	logCurrent                 // of the run that goes on, or that ended last
	logPrevious                // of the run before the one that is waited for
)

// String describes the fault in one line, without the log.
func (f PodFault) String() string {
	text := "pod " + f.Pod
	if f.Owner != "" {
		text += " (" + f.Owner + ")"
	}
	if f.Container != "" {
		text += ", container " + f.Container
	}
	text += ": " + f.Reason
	if _, message, _ := strings.Cut(f.Event, ": "); f.Event != "" && !strings.Contains(f.Reason, message) {
		text += "; last event: " + f.Event // unless it says the same, as the scheduler's does
	}
	return text
}

// unschedulable says whether the fault is that no node takes the pod.
func (f PodFault) unschedulable() bool {
	return strings.HasPrefix(f.Reason, corev1.PodReasonUnschedulable)
}

// isReady says whether a pod takes connections, and goes on to.
func isReady(pod *corev1.Pod) bool {
	condition := podCondition(pod, corev1.PodReady)
	return pod.DeletionTimestamp == nil && condition != nil && condition.Status == corev1.ConditionTrue
}

func podCondition(pod *corev1.Pod, kind corev1.PodConditionType) *corev1.PodCondition {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == kind {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

// describePod says in one line what a pod is.
func describePod(pod *corev1.Pod) string {
	var reasons []string
	for _, fault := range podFaults(pod) {
		reasons = append(reasons, fault.String())
	}
	switch {
	case pod.DeletionTimestamp != nil:
		return "pod " + pod.Name + ": it is being deleted"
	case len(reasons) == 0:
		return "pod " + pod.Name + ": it is complete"
	}
	return strings.Join(reasons, "; ")
}

// podFaults judges a pod by its status alone. A pod that is being deleted has no faults: nothing waits for it.
func podFaults(pod *corev1.Pod) []PodFault {
	if pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodSucceeded || isReady(pod) {
		return nil
	}
	fault := PodFault{Pod: pod.Name, Owner: podOwner(pod), uid: string(pod.UID)}
	scheduled := podCondition(pod, corev1.PodScheduled)
	if scheduled != nil && scheduled.Status == corev1.ConditionFalse {
		fault.Reason = reasonAnd(scheduled.Reason, scheduled.Message)
		fault.NodePressure = strings.Contains(scheduled.Message, "-pressure") // the names of the taints end so
		return []PodFault{fault}
	}
	if pod.Status.Phase == corev1.PodFailed && pod.Status.Reason != "" {
		fault.Reason = reasonAnd(pod.Status.Reason, pod.Status.Message)
		fault.Evicted = pod.Status.Reason == "Evicted"
		fault.NodePressure = fault.Evicted && strings.HasPrefix(pod.Status.Message, "The node ") // else by its own limit
		return []PodFault{fault}
	}
	faults := containerFaults(pod, fault)
	if len(faults) == 0 {
		fault.Reason = "not ready: no reason given"
		if condition := podCondition(pod, corev1.PodReady); condition != nil && condition.Reason != "" {
			fault.Reason = "not ready: " + reasonAnd(condition.Reason, condition.Message)
		} else if pod.Spec.NodeName != "" && len(pod.Status.ContainerStatuses) == 0 {
			fault.Reason = fmt.Sprintf("not started by the kubelet of node %s yet", pod.Spec.NodeName)
		}
		faults = []PodFault{fault}
	}
	return faults
}

// podOwner names what looks after a pod. Of a ReplicaSet that is the Deployment whose name it begins with.
func podOwner(pod *corev1.Pod) string {
	owner := metav1.GetControllerOf(pod)
	if owner == nil {
		return ""
	}
	hash := pod.Labels["pod-template-hash"]
	if deployment, ok := strings.CutSuffix(owner.Name, "-"+hash); owner.Kind == "ReplicaSet" && hash != "" && ok {
		return "Deployment " + deployment
	}
	return owner.Kind + " " + owner.Name
}

// containerFaults judges the containers of a pod; about says of which pod. While one of the init containers is at
// fault, the others wait for it.
func containerFaults(pod *corev1.Pod, about PodFault) []PodFault {
	judge := func(containers []corev1.Container, statuses []corev1.ContainerStatus, init bool) []PodFault {
		var faults []PodFault
		for _, container := range containers {
			for i := range statuses {
				if statuses[i].Name != container.Name {
					continue
				}
				sidecar := container.RestartPolicy != nil && *container.RestartPolicy == corev1.ContainerRestartPolicyAlways
				fault := about
				fault.Container, fault.Image = container.Name, container.Image
				if fault.judge(&statuses[i], init && !sidecar) {
					faults = append(faults, fault)
				}
			}
		}
		return faults
	}
	if faults := judge(pod.Spec.InitContainers, pod.Status.InitContainerStatuses, true); len(faults) > 0 {
		return faults
	}
	return judge(pod.Spec.Containers, pod.Status.ContainerStatuses, false)
}

// judge fills in what a container's status says, and returns whether it is at fault. One that ends, as init containers
// do, is not to be ready.
func (f *PodFault) judge(status *corev1.ContainerStatus, ends bool) bool {
	crashed := status.LastTerminationState.Terminated
	switch state := status.State; {
	case state.Terminated != nil:
		if state.Terminated.ExitCode == 0 && state.Terminated.Signal == 0 {
			return false
		}
		f.Reason, f.logs = exit(state.Terminated), logCurrent
	case state.Running != nil && ends:
		f.Reason, f.logs = "it runs, and the pod's other containers wait for its end", logCurrent
	case state.Running != nil:
		f.Reason, f.logs = "it runs and is not ready", logCurrent
		if crashed != nil {
			f.Reason += fmt.Sprintf("; before, it %s", exit(crashed))
		}
		return !status.Ready
	case state.Waiting == nil:
		f.Reason = "not started yet"
	case state.Waiting.Reason == "PodInitializing":
		return false // an init container is at fault, or has just ended
	default:
		f.judgeWaiting(state.Waiting)
		if crashed != nil {
			f.logs = logPrevious
		}
		if state.Waiting.Reason == "CrashLoopBackOff" && crashed != nil {
			f.Reason = fmt.Sprintf("%s: it %s, and was started again %d times",
				state.Waiting.Reason, exit(crashed), status.RestartCount)
		}
	}
	return true
}

// judgeWaiting says why a container has not been started.
func (f *PodFault) judgeWaiting(waiting *corev1.ContainerStateWaiting) {
	f.Reason = reasonAnd(waiting.Reason, waiting.Message)
	if !isImageReason(waiting.Reason) {
		return
	}
	f.ImageUnavailable, f.outlook = true, imageOutlook(waiting.Reason, waiting.Message)
	f.NodePressure = strings.Contains(waiting.Message, "no space left on device")
	if !strings.Contains(waiting.Message, f.Image) {
		f.Reason = reasonAnd(waiting.Reason, "image "+f.Image+": "+cmp.Or(waiting.Message, "no reason given"))
	}
}

// Restarts says how often the containers of a pod were started again, and how the last of them had ended, for example
// "exited with code 1"; empty if that is not known. The kubelet forgets it where it looks for containers to remove while
// the next one is made but does not run yet: it keeps one that does not run, and takes that for it (evictableContainers in
// pkg/kubelet/kuberuntime of Kubernetes 1.34).
func Restarts(pod *unstructured.Unstructured) (count int, ended string) {
	typed, err := convert[corev1.Pod](pod)
	if err != nil {
		return 0, ""
	}
	var last *corev1.ContainerStateTerminated
	for _, status := range typed.Status.ContainerStatuses {
		count += int(status.RestartCount)
		if t := status.LastTerminationState.Terminated; t != nil && (last == nil || last.FinishedAt.Before(&t.FinishedAt)) {
			last = t
		}
	}
	if last == nil {
		return count, ""
	}
	return count, exit(last)
}

// exit says how a container ended.
func exit(t *corev1.ContainerStateTerminated) string {
	text := fmt.Sprintf("exited with code %d", t.ExitCode)
	if t.Signal != 0 {
		text = fmt.Sprintf("was ended by signal %d", t.Signal)
	}
	if t.Reason != "" && t.Reason != "Error" && t.Reason != "Completed" {
		text += " (" + t.Reason + ")"
	}
	if t.Message != "" {
		text += ": " + oneLine(t.Message)
	}
	return text
}

func reasonAnd(reason, message string) string {
	if message == "" {
		return reason
	}
	return oneLine(reason + ": " + message)
}

// oneLine joins the lines of a message, and cuts it where a person has stopped reading.
func oneLine(text string) string {
	const most = 500
	text = strings.Join(strings.Fields(text), " ")
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
