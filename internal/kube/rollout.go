package kube

import (
	"cmp"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var (
	deploymentResource  = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	statefulSetResource = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "statefulsets"}
	daemonSetResource   = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "daemonsets"}
	replicaSetResource  = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "replicasets"}
)

// workload is a Deployment, StatefulSet or DaemonSet.
type workload struct {
	name     string // with its kind: "Deployment argocd-server"
	observed bool   // whether its controller has seen what it is to be
	progress string // what is missing until it is rolled out, empty if nothing is
	revision string // a Deployment's revisionAnnotation
}

// revisionAnnotation numbers the templates of a Deployment, on it and on the ReplicaSet of each.
const revisionAnnotation = "deployment.kubernetes.io/revision"

// newWorkload judges a Deployment, StatefulSet or DaemonSet, by the rules of `kubectl rollout status`
// (https://github.com/kubernetes/kubectl/blob/master/pkg/polymorphichelpers/rollout_status.go). Other than there, what
// is late is not given up, and what is updated only when its pods are deleted is judged by the pods there are.
func newWorkload(obj *unstructured.Unstructured) (*workload, error) {
	switch obj.GetKind() {
	case "Deployment":
		return newDeployment(obj)
	case "StatefulSet":
		return newStatefulSet(obj)
	case "DaemonSet":
		return newDaemonSet(obj)
	}
	return nil, fmt.Errorf("judging the rollout of %s: want a Deployment, StatefulSet or DaemonSet", Describe(obj))
}

func newDeployment(obj *unstructured.Unstructured) (*workload, error) {
	d, err := convert[appsv1.Deployment](obj)
	if err != nil {
		return nil, err
	}
	w := &workload{name: "Deployment " + d.Name, observed: d.Generation <= d.Status.ObservedGeneration}
	w.revision = d.Annotations[revisionAnnotation]
	want, status := replicas(d.Spec.Replicas), d.Status
	switch {
	case !w.observed:
		w.progress = notObserved
	case status.UpdatedReplicas < want:
		w.progress = fmt.Sprintf("%d of %d replicas are updated", status.UpdatedReplicas, want)
	case status.Replicas > status.UpdatedReplicas:
		w.progress = fmt.Sprintf("%d old replicas are to end", status.Replicas-status.UpdatedReplicas)
	case status.AvailableReplicas < status.UpdatedReplicas:
		w.progress = fmt.Sprintf("%d of %d replicas are available", status.AvailableReplicas, status.UpdatedReplicas)
	}
	for _, condition := range d.Status.Conditions {
		if condition.Type == appsv1.DeploymentReplicaFailure && condition.Status == corev1.ConditionTrue && w.progress != "" {
			w.progress += ": " + oneLine(condition.Message)
		}
	}
	return w, nil
}

func newStatefulSet(obj *unstructured.Unstructured) (*workload, error) {
	s, err := convert[appsv1.StatefulSet](obj)
	if err != nil {
		return nil, err
	}
	w := &workload{name: "StatefulSet " + s.Name}
	w.observed = s.Status.ObservedGeneration != 0 && s.Generation <= s.Status.ObservedGeneration
	want, updated, status := replicas(s.Spec.Replicas), replicas(s.Spec.Replicas), s.Status
	if rolling := s.Spec.UpdateStrategy.RollingUpdate; rolling != nil && rolling.Partition != nil {
		updated -= *rolling.Partition // the pods below it stay as they are
	}
	if s.Spec.UpdateStrategy.Type == appsv1.OnDeleteStatefulSetStrategyType {
		updated = 0
	}
	switch {
	case !w.observed:
		w.progress = notObserved
	case status.UpdatedReplicas < updated:
		w.progress = fmt.Sprintf("%d of %d replicas are updated", status.UpdatedReplicas, updated)
	case status.AvailableReplicas < want:
		w.progress = fmt.Sprintf("%d of %d replicas are available", status.AvailableReplicas, want)
	case status.Replicas > want:
		w.progress = fmt.Sprintf("%d old replicas are to end", status.Replicas-want)
	}
	return w, nil
}

func newDaemonSet(obj *unstructured.Unstructured) (*workload, error) {
	d, err := convert[appsv1.DaemonSet](obj)
	if err != nil {
		return nil, err
	}
	w := &workload{name: "DaemonSet " + d.Name, observed: d.Generation <= d.Status.ObservedGeneration}
	status := d.Status
	switch {
	case !w.observed:
		w.progress = notObserved
	case status.UpdatedNumberScheduled < status.DesiredNumberScheduled &&
		d.Spec.UpdateStrategy.Type != appsv1.OnDeleteDaemonSetStrategyType:
		w.progress = fmt.Sprintf("%d of %d pods are updated", status.UpdatedNumberScheduled, status.DesiredNumberScheduled)
	case status.NumberAvailable < status.DesiredNumberScheduled:
		w.progress = fmt.Sprintf("%d of %d pods are available", status.NumberAvailable, status.DesiredNumberScheduled)
	}
	return w, nil
}

const notObserved = "its controller has not seen it yet"

// replicas is how many there are to be; one, if nothing is said.
func replicas(n *int32) int32 { return *cmp.Or(n, new(int32(1))) }
