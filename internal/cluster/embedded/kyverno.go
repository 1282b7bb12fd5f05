package embedded

import (
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/back-stack/backstack/internal/supervisor"
)

// kyverno is the four controllers of Kyverno.
func (p programs) kyverno() []supervisor.Process {
	return []supervisor.Process{
		p.kyvernoAdmission(),
		p.kyvernoController("kyverno-background-controller"),
		p.kyvernoCleanup(),
		inBackground(p.kyvernoController("kyverno-reports-controller")),
	}
}

func (p programs) kyvernoAdmission() supervisor.Process {
	port := p.ports[portKyverno]
	process := p.kyvernoProcess("kyverno", "admission-controller", "kyverno-admission-controller", admissionService, append(flags(
		"serverIP", loopbackAddress(port),
		"webhookServerHost", "127.0.0.1",
		"webhookServerPort", strconv.Itoa(port),
		"caSecretName", caSecret(admissionService),
		"tlsSecretName", pairSecret(admissionService),
		"disableCertManagerController", "true",
		"backgroundServiceAccountName", "system:serviceaccount:kyverno:kyverno-background-controller",
		"reportsServiceAccountName", "system:serviceaccount:kyverno:kyverno-reports-controller",
		"controllerRuntimeMetricsAddress", "0",
	), policyFlags()...))
	process.Env = append(process.Env, seldom)
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
	process := p.kyvernoProcess("kyverno-cleanup-controller", "cleanup-controller", "kyverno-cleanup-controller", cleanupService, flags(
		"serverIP", loopbackAddress(port),
		"cleanupServerHost", "127.0.0.1",
		"cleanupServerPort", strconv.Itoa(port),
		"caSecretName", caSecret(cleanupService),
		"tlsSecretName", pairSecret(cleanupService),
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
	return p.kyvernoProcess(name, strings.TrimPrefix(name, "kyverno-"), name, name, args)
}

// inBackground lets a process have only the time that no other wants. The reports controller judges everything in the
// cluster when it starts, which nobody waits for: together with others it would make an install a tenth longer. A
// processor that does nothing else is idle to the scheduler (sched(7), SCHED_IDLE): whoever wakes up gets it at once,
// which niceness does not give. Where chrt is missing, which is of util-linux, an install is slower.
func inBackground(process supervisor.Process) supervisor.Process {
	if chrt, err := findProgram("chrt"); err == nil { // it becomes the program
		process.Path, process.Args = chrt, append([]string{"--idle", "0", process.Path}, process.Args...)
	}
	return process
}

// kyvernoProcess has what Kyverno's programs have in common. The pod's name is the holder of the program's lease: one
// that never changes lets a restarted program go on at once, where a new one would wait for the lease to run out.
func (p programs) kyvernoProcess(name, controller, deployment, service string, args []string) supervisor.Process {
	args = append(append([]string{controller}, args...), flags(
		"kubeconfig", p.ClientConfig(name),
		"disableMetrics", "true",
		"otelConfig", "none", // or metrics that are disabled are served all the same, empty
		"clientRateLimitQPS", "300",
		"clientRateLimitBurst", "300",
		"autoMemLimitEnabled", "false",
		// A kind that a Bead defines is known at once, and not after a quarter of an hour.
		"crdWatcher", "true",
		"loggingFormat", "json",
	)...)
	process := p.process(name, "kyverno", args, append(memory("160"),
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

// The names that Kyverno's webhooks have as services in a cluster.
const (
	admissionService = "kyverno-svc"
	cleanupService   = "kyverno-cleanup-controller"
)

// The Secrets from which Kyverno takes a webhook's certificate and the authority that the API server is to trust. The
// names are upstream's, which its roles allow. Kyverno would make its own, once it has become the leader; having them
// there saves that time.
func caSecret(service string) string { return service + "." + kyvernoNamespace + ".svc.kyverno-tls-ca" }
func pairSecret(service string) string {
	return service + "." + kyvernoNamespace + ".svc.kyverno-tls-pair"
}

func (p programs) webhookCertificates() ([]*unstructured.Unstructured, error) {
	pki := p.PKI()
	var secrets []*unstructured.Unstructured
	for _, service := range []string{admissionService, cleanupService} {
		ca, err := secretOf(kyvernoNamespace, caSecret(service), map[string]string{"tls.crt": pki.Cert("ca")})
		if err != nil {
			return nil, err
		}
		pair, err := secretOf(kyvernoNamespace, pairSecret(service), map[string]string{
			"tls.crt": pki.Cert("kyverno-webhook"), "tls.key": pki.Key("kyverno-webhook"),
		})
		if err != nil {
			return nil, err
		}
		secrets = append(secrets, ca, pair)
	}
	return secrets, nil
}
