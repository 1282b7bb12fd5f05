package existing

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	authentication "k8s.io/client-go/kubernetes/typed/authentication/v1"
	authorization "k8s.io/client-go/kubernetes/typed/authorization/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// How long a cluster may take to take a connection, and to answer the first question. The first is shorter, so that
// what is said is what went wrong.
const (
	dialTimeout   = 4 * time.Second
	answerTimeout = 5 * time.Second
)

// parallel is how many requests run at once: enough to hide the latency of a cluster that is far away, and fewer than
// an API server lets one account run before it makes it wait.
const parallel = 16

// apiServer is an API server that answers, and takes the credentials.
type apiServer struct {
	server  string // its URL
	version string // of Kubernetes, without v

	discovery      discovery.DiscoveryInterface
	metadata       metadata.Interface
	dynamic        dynamic.Interface
	authentication authentication.AuthenticationV1Interface
	authorization  authorization.AuthorizationV1Interface
}

// connect asks the API server of kubeconfig's context for its version.
func connect(ctx context.Context, kubeconfig *api.Config) (*apiServer, error) {
	server := serverOf(kubeconfig)
	failed := func(err error) error { return fmt.Errorf("connecting to %s: %w", server, err) }
	config, err := clientcmd.NewDefaultClientConfig(*kubeconfig, nil).ClientConfig()
	if err != nil {
		return nil, failed(err)
	}
	if err := expired(userOf(kubeconfig), time.Now()); err != nil {
		return nil, failed(err)
	}
	if err := login(ctx, config); err != nil {
		return nil, failed(err)
	}
	a, err := newAPIServer(config)
	if err != nil {
		return nil, failed(err)
	}
	bounded, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	answer, err := a.discovery.RESTClient().Get().AbsPath("/version").Do(bounded).Raw()
	switch {
	case ctx.Err() != nil:
		return nil, failed(context.Cause(ctx))
	case err != nil && bounded.Err() != nil:
		return nil, failed(fmt.Errorf("no answer after %s: %s", answerTimeout, wantAddress))
	case err != nil:
		return nil, failed(explain(err))
	}
	var info version.Info
	if err := json.Unmarshal(answer, &info); err != nil || info.GitVersion == "" {
		return nil, failed(fmt.Errorf("what answers there is no Kubernetes API: %s", wantAddress))
	}
	a.server, a.version = server, strings.TrimPrefix(info.GitVersion, "v")
	return a, nil
}

func newAPIServer(config *rest.Config) (*apiServer, error) {
	config.QPS = -1 // the API server's own fairness is the limit
	config.UserAgent = "backstack"
	config.WarningHandlerWithContext = rest.NoWarnings{}
	config.Dial = (&net.Dialer{Timeout: dialTimeout, KeepAlive: 30 * time.Second}).DialContext
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	a := &apiServer{}
	var faults [5]error
	a.discovery, faults[0] = discovery.NewDiscoveryClientForConfigAndClient(config, client)
	a.metadata, faults[1] = metadata.NewForConfigAndClient(metadata.ConfigFor(config), client)
	a.dynamic, faults[2] = dynamic.NewForConfigAndClient(dynamic.ConfigFor(config), client)
	a.authorization, faults[3] = authorization.NewForConfigAndClient(config, client)
	a.authentication, faults[4] = authentication.NewForConfigAndClient(config, client)
	return a, errors.Join(faults[:]...)
}

// What would be right where nothing, or something else, is at a cluster's address.
const wantAddress = "want the address of a cluster that runs and can be reached from here; `kubectl cluster-info` " +
	"asks it too"

// explain says of a failed first request what a person can do about it.
func explain(err error) error {
	var (
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		header   tls.RecordHeaderError
		network  *net.OpError
		dns      *net.DNSError
	)
	if request := new(url.Error); errors.As(err, &request) {
		err = request.Err // without the URL, which is told already
	}
	switch {
	case apierrors.IsUnauthorized(err):
		return fmt.Errorf("the API server refuses the credentials, which may have expired: %s", renewal)
	case errors.As(err, &unknown):
		return fmt.Errorf("its certificate is not from the authority in the kubeconfig: %w: want the certificate-authority "+
			"of this cluster; fetch the kubeconfig anew if the cluster was made anew", err)
	case errors.As(err, &hostname):
		return fmt.Errorf("its certificate is for another name: %w: want a server in the kubeconfig that it is for, or "+
			"tls-server-name", err)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("its certificate has expired: %w: whoever runs the cluster renews it; and the clock of this "+
			"machine has to be right", err)
	case errors.As(err, &header), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Errorf("what answers there does not speak TLS: %s", wantAddress)
	case errors.As(err, &dns), errors.As(err, &network):
		return fmt.Errorf("%w: %s", err, wantAddress)
	case apierrors.IsNotFound(err):
		return fmt.Errorf("what answers there is no Kubernetes API: %s", wantAddress)
	}
	return err
}

// identity tells one cluster from another, whatever their addresses: the namespace kube-system is as old as the
// cluster.
func (a *apiServer) identity(ctx context.Context) (string, error) {
	system, err := a.metadata.Resource(namespaceResource).Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if err != nil {
		return "", fmt.Errorf("reading the namespace kube-system at %s: %w", a.server, err)
	}
	return string(system.UID), nil
}

// account names for a person who the API server takes this program for.
func (a *apiServer) account(ctx context.Context) string {
	question := &authenticationv1.SelfSubjectReview{}
	review, err := a.authentication.SelfSubjectReviews().Create(ctx, question, metav1.CreateOptions{})
	if err != nil {
		return "the account of the kubeconfig"
	}
	return "user " + review.Status.UserInfo.Username
}
