package embedded

import (
	"strconv"

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
		"tlsKeyAlgorithm", "ECDSA",
		"caSecretName", "kyverno-svc.kyverno.svc.kyverno-tls-ca",
		"tlsSecretName", "kyverno-svc.kyverno.svc.kyverno-tls-pair",
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
		"tlsKeyAlgorithm", "ECDSA",
		"caSecretName", "kyverno-cleanup-controller.kyverno.svc.kyverno-tls-ca",
		"tlsSecretName", "kyverno-cleanup-controller.kyverno.svc.kyverno-tls-pair",
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

// webhook probes a webhook server: its certificate is Kyverno's own, and it takes only the API server's client
// certificate.
func (p programs) webhook(port int, path string) *supervisor.Probe {
	return &supervisor.Probe{
		URL:        loopbackURL(port) + path,
		Cert:       p.PKI().Cert("webhook-client"),
		Key:        p.PKI().Key("webhook-client"),
		SkipVerify: true,
	}
}
