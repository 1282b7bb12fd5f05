package embedded

import (
	"strconv"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/internal/supervisor"
)

// kyverno is the four controllers of Kyverno.
func (p programs) kyverno() []supervisor.Process {
	return []supervisor.Process{
		p.kyvernoAdmission(),
		p.kyvernoController("kyverno-background-controller"),
		p.kyvernoCleanup(),
		p.kyvernoController("kyverno-reports-controller"),
	}
}

func (p programs) kyvernoAdmission() supervisor.Process {
	port := p.ports[portKyverno]
	process := p.kyvernoProcess("kyverno", "kyverno-admission-controller", "kyverno-svc", append(flags(
		"serverIP", loopbackAddress(port),
		"webhookServerHost", "127.0.0.1",
		"webhookServerPort", strconv.Itoa(port),
		"caSecretName", webhookCA,
		"tlsSecretName", webhookPair,
		"disableCertManagerController", "true",
		"backgroundServiceAccountName", "system:serviceaccount:kyverno:kyverno-background-controller",
		"reportsServiceAccountName", "system:serviceaccount:kyverno:kyverno-reports-controller",
		"controllerRuntimeMetricsAddress", "0",
	), policyFlags()...))
	process.Ready = p.webhook(port, "/health/readiness")
	return process
}

// policyFlags are for the controllers that apply policies.
func policyFlags() []string {
	return flags(
		"enablePolicyException", "true",
		"exceptionNamespace", "kyverno",
		// What was let through is no event.
		"omitEvents", "PolicyApplied,PolicySkipped",
	)
}

func (p programs) kyvernoCleanup() supervisor.Process {
	port := p.ports[portCleanup]
	process := p.kyvernoProcess("kyverno-cleanup-controller", "kyverno-cleanup-controller", "kyverno-cleanup-controller", flags(
		"serverIP", loopbackAddress(port),
		"cleanupServerHost", "127.0.0.1",
		"cleanupServerPort", strconv.Itoa(port),
		"caSecretName", webhookCA,
		"tlsSecretName", webhookPair,
		"disableCertManagerController", "true",
	))
	process.Ready = p.webhook(port, "/health/readiness")
	return process
}

func (p programs) kyvernoController(name string) supervisor.Process {
	args := policyFlags()
	if name == "kyverno-background-controller" {
		args = append(args, flags("controllerRuntimeMetricsAddress", "0")...)
	}
	return p.kyvernoProcess(name, name, name, args)
}

// kyvernoProcess has what Kyverno's programs have in common. The pod's name is the holder of the program's lease: one
// that never changes lets a restarted program go on at once, where a new one would wait for the lease to run out.
func (p programs) kyvernoProcess(name, deployment, service string, args []string) supervisor.Process {
	args = append(args, flags(
		"kubeconfig", p.ClientConfig(name),
		"disableMetrics", "true",
		"otelConfig", "none", // or metrics that are disabled are served all the same, empty
		"clientRateLimitQPS", "300",
		"clientRateLimitBurst", "300",
		"autoMemLimitEnabled", "false",
		"loggingFormat", "json",
	)...)
	process := p.process(name, name, args, append(memory("160"),
		"KYVERNO_NAMESPACE=kyverno",
		"KYVERNO_POD_NAME="+name,
		"KYVERNO_DEPLOYMENT="+deployment,
		"KYVERNO_SERVICEACCOUNT_NAME="+deployment,
		"KYVERNO_ROLE_NAME=kyverno:"+deployment,
		"KYVERNO_SVC="+service,
		"INIT_CONFIG=kyverno",
		"METRICS_CONFIG=kyverno-metrics",
		"WEBHOOK_CLIENT_CA="+p.PKI().Cert("ca"),
	)...)
	process.After = []string{"kube-apiserver"}
	return process
}

// webhook probes a webhook server, which takes only clients with a certificate, as the API server has one.
func (p programs) webhook(port int, path string) *supervisor.Probe {
	return &supervisor.Probe{
		URL:  loopbackURL(port) + path,
		CA:   p.PKI().Cert("ca"),
		Cert: p.PKI().Cert("webhook-client"),
		Key:  p.PKI().Key("webhook-client"),
	}
}

// The Secrets from which Kyverno takes its webhooks' certificate and the authority that the API server is to trust. Kyverno
// would make its own, once it has become the leader; having them there saves that time.
const (
	webhookCA   = "embedded-webhook-ca"
	webhookPair = "embedded-webhook-certificate"
)

func (p programs) webhookCertificates() ([]*unstructured.Unstructured, error) {
	pki := p.PKI()
	ca, err := secretOf(kyvernoNamespace, webhookCA, map[string]string{"tls.crt": pki.Cert("ca")})
	if err != nil {
		return nil, err
	}
	pair, err := secretOf(kyvernoNamespace, webhookPair, map[string]string{
		"tls.crt": pki.Cert("kyverno-webhook"), "tls.key": pki.Key("kyverno-webhook"),
	})
	return []*unstructured.Unstructured{ca, pair}, err
}
