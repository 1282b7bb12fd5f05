package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/controller-manager/pkg/clientbuilder"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller/namespace/deletion"
)

// removeNamespaces empties namespaces that are being deleted, as kube-controller-manager's own namespace controller does,
// for a cluster of one API server and one etcd. That controller waits five seconds first, so that all API servers and
// all members of etcd have heard of the deletion; here there is nobody to wait for, and a Bead is to be gone in less.
//
// It goes by the account of that controller, and works with the same package. It returns when ctx ends.
func removeNamespaces(ctx context.Context, kubeconfig string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig of kube-controller-manager: %w", err)
	}
	core, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	// A token of that account is asked for when the API server answers.
	config, err = clientbuilder.NewDynamicClientBuilder(rest.AnonymousClientConfig(config), core.CoreV1(), "kube-system").
		Config("namespace-controller")
	if err != nil {
		return fmt.Errorf("becoming the account of the namespace controller: %w", err)
	}
	config.QPS = -1 // the API server's own fairness is the limit
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	objects, err := metadata.NewForConfig(config)
	if err != nil {
		return err
	}
	deleter := deletion.NewNamespacedResourcesDeleter(ctx, client.CoreV1().Namespaces(), objects, client.CoreV1(),
		client.Discovery().ServerPreferredNamespacedResources, corev1.FinalizerKubernetes)
	queue := watchDeleted(ctx, client)
	for range namespaceWorkers {
		go func() {
			for emptyNext(ctx, queue, deleter) {
			}
		}()
	}
	<-ctx.Done()
	queue.ShutDown()
	return nil
}

// namespaceWorkers is how many namespaces are emptied at once.
const namespaceWorkers = 4

// watchDeleted returns a queue of the namespaces that are being deleted.
func watchDeleted(ctx context.Context, client kubernetes.Interface) workqueue.TypedRateLimitingInterface[string] {
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.NewTypedItemExponentialFailureRateLimiter[string](50*time.Millisecond, time.Minute))
	add := func(object any) {
		if namespace, ok := object.(*corev1.Namespace); ok && namespace.DeletionTimestamp != nil {
			queue.Add(namespace.Name)
		}
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	informer := factory.Core().V1().Namespaces().Informer()
	// The error is for an informer that has stopped.
	_, _ = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{AddFunc: add, UpdateFunc: func(_, now any) { add(now) }})
	factory.Start(ctx.Done())
	return queue
}

// emptyNext empties one namespace, and puts it back where something is left. It returns false when the queue has ended.
func emptyNext(
	ctx context.Context, queue workqueue.TypedRateLimitingInterface[string], deleter deletion.NamespacedResourcesDeleterInterface,
) bool {
	name, ended := queue.Get()
	if ended {
		return false
	}
	defer queue.Done(name)
	err := deleter.Delete(ctx, name)
	if err == nil {
		queue.Forget(name)
		return true
	}
	if remaining := new(deletion.ResourcesRemainingError); !errors.As(err, &remaining) {
		klog.FromContext(ctx).Error(err, "Emptying a namespace", "namespace", name)
	}
	queue.AddRateLimited(name)
	return true
}

// kubeconfigOf returns the value of the flag --kubeconfig among arguments.
func kubeconfigOf(args []string) string {
	for _, arg := range args {
		if value, ok := strings.CutPrefix(arg, "--kubeconfig="); ok {
			return value
		}
	}
	return ""
}

// startRemovingNamespaces does so beside kube-controller-manager, as long as that runs.
func startRemovingNamespaces() {
	go func() {
		if err := removeNamespaces(context.Background(), kubeconfigOf(os.Args)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}()
}
