package kube

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"
)

// Forward is a port of this machine that leads to a port of a pod. It stays when that pod does not: connections that
// are open then break, and new ones wait for the next pod that is ready. client-go's own forwarder ends with the pod,
// and gives the port back.
type Forward struct {
	client    *Client
	namespace string
	selector  string
	port      int

	listener net.Listener
	end      context.CancelFunc
	serving  sync.WaitGroup

	mutex      sync.Mutex
	connection httpstream.Connection // to the pod, nil if it was lost
	requests   int                   // made through all connections, each has its number
}

// Forward makes a free port of this machine lead to port of a ready pod that selector matches, until the Forward is
// closed or ctx ends. It fails if no pod is ready.
func (c *Client) Forward(ctx context.Context, namespace, selector string, port int) (*Forward, error) {
	ctx, end := context.WithCancel(ctx)
	f := &Forward{client: c, namespace: namespace, selector: selector, port: port, end: end}
	if err := f.start(ctx); err != nil {
		end()
		return nil, fmt.Errorf("forwarding to port %d of a pod with %s in namespace %s: %w", port, selector, namespace, err)
	}
	return f, nil
}

// Address is where the port of this machine is: 127.0.0.1:PORT.
func (f *Forward) Address() string { return f.listener.Addr().String() }

// Close gives the port back, and ends what goes through it.
func (f *Forward) Close() {
	f.end()
	f.serving.Wait()
}

func (f *Forward) start(ctx context.Context) error {
	connection, err := f.connect(ctx)
	if err != nil {
		return err
	}
	f.connection = connection
	if f.listener, err = new(net.ListenConfig).Listen(ctx, "tcp4", "127.0.0.1:0"); err != nil {
		_ = connection.Close()
		return err
	}
	f.serving.Go(func() { f.accept(ctx) })
	f.serving.Go(func() {
		<-ctx.Done()
		_ = f.listener.Close()
		f.mutex.Lock()
		defer f.mutex.Unlock()
		if f.connection != nil {
			_ = f.connection.Close()
		}
	})
	return nil
}

// accept takes connections until the listener is closed.
func (f *Forward) accept(ctx context.Context) {
	for {
		local, err := f.listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = local.Close()
			}
			return
		case err != nil: // this process has too many files open, for now
			pause(ctx)
		default:
			f.serving.Go(func() {
				defer func() { _ = local.Close() }()
				f.serve(ctx, local)
			})
		}
	}
}

// serve copies between a connection and a port of the pod, both ways, until the pod has said all.
func (f *Forward) serve(ctx context.Context, local net.Conn) {
	var to *streams
	for to == nil {
		connection, request, err := f.current(ctx)
		if err != nil {
			return
		}
		if to, err = open(connection, f.port, request); err != nil {
			f.drop(connection)
			pause(ctx)
		}
	}
	defer to.connection.RemoveStreams(to.data, to.faults)
	ended := make(chan struct{}, 2)
	go func() {
		_, _ = io.Copy(local, to.data) // who asks sees the end, and asks again
		ended <- struct{}{}
	}()
	go func() {
		if _, err := io.Copy(to.data, local); err != nil {
			ended <- struct{}{}
		}
		_ = to.data.Close() // that of this direction alone
	}()
	<-ended
	_ = to.data.Reset() // else what nobody reads any more would hold up the rest
	// The kubelet says that it does not get through to the pod: it is gone, or restarts. A ready one is looked for anew.
	if fault, err := io.ReadAll(to.faults); err != nil || len(fault) > 0 {
		f.drop(to.connection)
	}
}

// streams are those of one connection to a port of a pod. The kubelet pairs them by the number of the request.
type streams struct {
	connection httpstream.Connection
	data       httpstream.Stream
	faults     httpstream.Stream
}

func open(connection httpstream.Connection, port, request int) (*streams, error) {
	headers := http.Header{}
	headers.Set(corev1.PortHeader, strconv.Itoa(port))
	headers.Set(corev1.PortForwardRequestIDHeader, strconv.Itoa(request))
	headers.Set(corev1.StreamType, corev1.StreamTypeError)
	faults, err := connection.CreateStream(headers)
	if err != nil {
		return nil, err
	}
	_ = faults.Close() // nothing is written to it
	headers.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := connection.CreateStream(headers)
	if err != nil {
		connection.RemoveStreams(faults)
		return nil, err
	}
	return &streams{connection: connection, data: data, faults: faults}, nil
}

// current returns the connection to the pod, and a number for a request through it. If it was lost, the next is made as
// soon as a pod is ready; an error is the end of ctx.
func (f *Forward) current(ctx context.Context) (httpstream.Connection, int, error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	matching := metav1.ListOptions{LabelSelector: f.selector}
	for f.connection == nil {
		if _, _ = f.client.follow(ctx, podResource, f.namespace, matching, anyReady); ctx.Err() != nil {
			return nil, 0, context.Cause(ctx)
		}
		connection, err := f.connect(ctx)
		if err != nil { // a pod that says it is ready is about to end, or the API server restarts
			pause(ctx)
			continue
		}
		f.connection = connection
	}
	f.requests++
	return f.connection, f.requests, nil
}

// drop forgets a connection that is of no use any more.
func (f *Forward) drop(connection httpstream.Connection) {
	_ = connection.Close()
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.connection == connection {
		f.connection = nil
	}
}

// connect makes a connection to a ready pod.
func (f *Forward) connect(ctx context.Context) (httpstream.Connection, error) {
	pod, err := f.client.readyPod(ctx, f.namespace, f.selector)
	if err != nil {
		return nil, err
	}
	dialer, err := f.client.dialer(pod)
	if err != nil {
		return nil, err
	}
	type result struct {
		connection httpstream.Connection
		err        error
	}
	dialed := make(chan result, 1)
	go func() {
		connection, _, err := dialer.Dial(portforward.PortForwardProtocolV1Name)
		dialed <- result{connection, err}
	}()
	select {
	case made := <-dialed:
		if made.err != nil {
			return nil, fmt.Errorf("connecting to pod %s: %w", pod.Name, made.err)
		}
		return made.connection, nil
	case <-ctx.Done(): // which the dialer does not obey
		go func() {
			if late := <-dialed; late.err == nil {
				_ = late.connection.Close()
			}
		}()
		return nil, fmt.Errorf("connecting to pod %s: %w", pod.Name, context.Cause(ctx))
	}
}

// dialer connects to a pod through the API server: with WebSockets, or with SPDY where something between does not take
// those, as kubectl does.
func (c *Client) dialer(pod *corev1.Pod) (httpstream.Dialer, error) {
	url := c.core.RESTClient().Post().Resource("pods").Namespace(pod.Namespace).Name(pod.Name).
		SubResource("portforward").URL()
	transport, upgrader, err := spdy.RoundTripperFor(c.config)
	if err != nil {
		return nil, err
	}
	fallback := spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	dialer, err := portforward.NewSPDYOverWebsocketDialerForStreaming(url, c.config)
	if err != nil {
		return nil, err
	}
	return portforward.NewFallbackDialerForStreaming(dialer, fallback, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	}), nil
}

// anyReady says whether one of the pods is ready.
func anyReady(pods []*unstructured.Unstructured) bool {
	return slices.ContainsFunc(pods, func(obj *unstructured.Unstructured) bool {
		pod, err := convert[corev1.Pod](obj)
		return err == nil && isReady(pod)
	})
}

// readyPod returns the newest ready pod that selector matches: that of the newest template, while others are replaced.
func (c *Client) readyPod(ctx context.Context, namespace, selector string) (*corev1.Pod, error) {
	pods, err := c.pods(ctx, namespace, selector)
	if err != nil {
		return nil, err
	}
	ready := slices.DeleteFunc(slices.Clone(pods), func(pod corev1.Pod) bool { return !isReady(&pod) })
	if len(ready) > 0 {
		newest := slices.MaxFunc(ready, func(a, b corev1.Pod) int {
			return a.CreationTimestamp.Compare(b.CreationTimestamp.Time)
		})
		return &newest, nil
	}
	if len(pods) == 0 {
		return nil, errors.New("there is no pod: want one that is ready")
	}
	reasons := make([]string, len(pods))
	for i := range pods {
		reasons[i] = describePod(&pods[i])
	}
	return nil, fmt.Errorf("no pod is ready: %s", strings.Join(reasons, "; "))
}
