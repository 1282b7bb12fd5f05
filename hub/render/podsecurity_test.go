package render

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/pod-security-admission/api"
	podsecurity "k8s.io/pod-security-admission/policy"

	"github.com/back-stack/backstack/charts"
)

// controls are the policies of the Pod Security Standards, by the name that Kubernetes' own check has.
var controls = map[podsecurity.CheckID]string{
	"appArmorProfile":            "pod-security-apparmor",
	"capabilities_baseline":      "pod-security-capabilities",
	"hostNamespaces":             "pod-security-host-namespaces",
	"hostPathVolumes":            "pod-security-host-path-volumes",
	"hostPorts":                  "pod-security-host-ports",
	"hostProbesAndHostLifecycle": "pod-security-host-probes",
	"privileged":                 "pod-security-privileged-containers",
	"procMount":                  "pod-security-proc-mount",
	"seLinuxOptions":             "pod-security-selinux",
	"seccompProfile_baseline":    "pod-security-seccomp",
	"sysctls":                    "pod-security-sysctls",
	"windowsHostProcess":         "pod-security-host-process",
}

// pods are pods, as JSON with single quotes, and the policy that each is against, without "pod-security-".
var pods = []struct {
	name    string
	pod     string
	against string
}{
	{"plain", `{'spec': {'containers': [{'name': 'a'}]}}`, ""},
	{"empty security contexts", `{'spec': {'securityContext': {},
		'containers': [{'name': 'a', 'securityContext': {}}]}}`, ""},

	{"hostNetwork", `{'spec': {'hostNetwork': true, 'containers': [{'name': 'a'}]}}`, "host-namespaces"},
	{"hostPID", `{'spec': {'hostPID': true, 'containers': [{'name': 'a'}]}}`, "host-namespaces"},
	{"hostIPC", `{'spec': {'hostIPC': true, 'containers': [{'name': 'a'}]}}`, "host-namespaces"},
	{"no host namespaces", `{'spec': {'hostIPC': false, 'hostPID': false, 'hostNetwork': false,
		'containers': [{'name': 'a'}]}}`, ""},

	{"privileged", container(`'securityContext': {'privileged': true}`), "privileged-containers"},
	{"privileged init", initContainer(`'securityContext': {'privileged': true}`), "privileged-containers"},
	{"privileged ephemeral", ephemeralContainer(`'securityContext': {'privileged': true}`), "privileged-containers"},
	{"not privileged", container(`'securityContext': {'privileged': false}`), ""},

	{"capability", container(`'securityContext': {'capabilities': {'add': ['CHOWN', 'NET_ADMIN']}}`), "capabilities"},
	{"capability init", initContainer(`'securityContext': {'capabilities': {'add': ['NET_RAW']}}`), "capabilities"},
	{"capability ephemeral", ephemeralContainer(`'securityContext': {'capabilities': {'add': ['ALL']}}`), "capabilities"},
	{"capability allowed", container(`'securityContext': {'capabilities': {'add': ['NET_BIND_SERVICE', 'KILL'],
		'drop': ['ALL']}}`), ""},

	{"hostPath", `{'spec': {'containers': [{'name': 'a'}], 'volumes': [{'name': 'e', 'emptyDir': {}},
		{'name': 'h', 'hostPath': {'path': '/'}}]}}`, "host-path-volumes"},
	{"emptyDir", `{'spec': {'containers': [{'name': 'a'}], 'volumes': [{'name': 'e', 'emptyDir': {}}]}}`, ""},

	{"host port", container(`'ports': [{'containerPort': 1}, {'containerPort': 2, 'hostPort': 2}]`), "host-ports"},
	{"host port init", initContainer(`'ports': [{'containerPort': 1, 'hostPort': 1}]`), "host-ports"},
	{"host port 0", container(`'ports': [{'containerPort': 1, 'hostPort': 0}]`), ""},

	{"probe host", container(`'livenessProbe': {'httpGet': {'port': 1, 'host': '10.0.0.1'}}`), "host-probes"},
	{"TCP probe host", container(`'readinessProbe': {'tcpSocket': {'port': 1, 'host': 'db'}}`), "host-probes"},
	{"startup probe host", initContainer(`'startupProbe': {'httpGet': {'port': 1, 'host': 'db'}}`), "host-probes"},
	{"postStart host", container(`'lifecycle': {'postStart': {'httpGet': {'port': 1, 'host': 'db'}}}`), "host-probes"},
	{"preStop host", container(`'lifecycle': {'preStop': {'tcpSocket': {'port': 1, 'host': 'db'}}}`), "host-probes"},
	{"probes without host", container(`'livenessProbe': {'httpGet': {'port': 1}}, 'readinessProbe': {'exec': {}},
		'startupProbe': {'tcpSocket': {'port': 1, 'host': ''}}, 'lifecycle': {'preStop': {'exec': {}}}`), ""},

	{"AppArmor", container(`'securityContext': {'appArmorProfile': {'type': 'Unconfined'}}`), "apparmor"},
	{"AppArmor init", initContainer(`'securityContext': {'appArmorProfile': {'type': 'Unconfined'}}`), "apparmor"},
	{"AppArmor pod", `{'spec': {'securityContext': {'appArmorProfile': {'type': 'Unconfined'}},
		'containers': [{'name': 'a'}]}}`, "apparmor"},
	{"AppArmor annotation", `{'metadata': {'annotations': {'container.apparmor.security.beta.kubernetes.io/a':
		'unconfined'}}, 'spec': {'containers': [{'name': 'a'}]}}`, "apparmor"},
	{"AppArmor allowed", `{'metadata': {'annotations': {
		'container.apparmor.security.beta.kubernetes.io/a': 'localhost/mine',
		'container.apparmor.security.beta.kubernetes.io/b': 'runtime/default',
		'container.apparmor.security.beta.kubernetes.io/c': '',
		'other': 'unconfined'}},
		'spec': {'securityContext': {'appArmorProfile': {'type': 'RuntimeDefault'}},
		'containers': [{'name': 'a', 'securityContext': {'appArmorProfile': {'type': 'Localhost'}}}]}}`, ""},

	{"SELinux type", container(`'securityContext': {'seLinuxOptions': {'type': 'spc_t'}}`), "selinux"},
	{"SELinux user", container(`'securityContext': {'seLinuxOptions': {'user': 'system_u'}}`), "selinux"},
	{"SELinux role init", initContainer(`'securityContext': {'seLinuxOptions': {'role': 'system_r'}}`), "selinux"},
	{"SELinux pod", `{'spec': {'securityContext': {'seLinuxOptions': {'user': 'u'}},
		'containers': [{'name': 'a'}]}}`, "selinux"},
	{"SELinux allowed", `{'spec': {'securityContext': {'seLinuxOptions': {'type': 'container_engine_t', 'level': 's0'}},
		'containers': [{'name': 'a', 'securityContext': {'seLinuxOptions': {'type': ''}}}]}}`, ""},

	{"procMount", container(`'securityContext': {'procMount': 'Unmasked'}`), "proc-mount"},
	{"procMount init", initContainer(`'securityContext': {'procMount': 'Unmasked'}`), "proc-mount"},
	{"procMount default", container(`'securityContext': {'procMount': 'Default'}`), ""},
	{"procMount in a user namespace", `{'spec': {'hostUsers': false,
		'containers': [{'name': 'a', 'securityContext': {'procMount': 'Unmasked'}}]}}`, ""},

	{"seccomp", container(`'securityContext': {'seccompProfile': {'type': 'Unconfined'}}`), "seccomp"},
	{"seccomp ephemeral", ephemeralContainer(`'securityContext': {'seccompProfile': {'type': 'Unconfined'}}`), "seccomp"},
	{"seccomp pod", `{'spec': {'securityContext': {'seccompProfile': {'type': 'Unconfined'}},
		'containers': [{'name': 'a'}]}}`, "seccomp"},
	{"seccomp allowed", `{'spec': {'securityContext': {'seccompProfile': {'type': 'RuntimeDefault'}}, 'containers': [
		{'name': 'a', 'securityContext': {'seccompProfile': {'type': 'Localhost', 'localhostProfile': 'p'}}}]}}`, ""},

	{"sysctl", `{'spec': {'securityContext': {'sysctls': [{'name': 'kernel.msgmax', 'value': '1'}]},
		'containers': [{'name': 'a'}]}}`, "sysctls"},
	{"sysctls allowed", `{'spec': {'securityContext': {'sysctls': [{'name': 'net.ipv4.tcp_rmem', 'value': '1'},
		{'name': 'kernel.shm_rmid_forced', 'value': '1'}]}, 'containers': [{'name': 'a'}]}}`, ""},

	{"host process", container(`'securityContext': {'windowsOptions': {'hostProcess': true}}`), "host-process"},
	{"host process pod", `{'spec': {'securityContext': {'windowsOptions': {'hostProcess': true}},
		'containers': [{'name': 'a'}]}}`, "host-process"},
	{"no host process", `{'spec': {'securityContext': {'windowsOptions': {'hostProcess': false}},
		'containers': [{'name': 'a', 'securityContext': {'windowsOptions': {}}}]}}`, ""},
}

func container(fields string) string {
	return fmt.Sprintf(`{'spec': {'containers': [{'name': 'fine'}, {'name': 'a', %s}]}}`, fields)
}

func initContainer(fields string) string {
	return fmt.Sprintf(`{'spec': {'containers': [{'name': 'fine'}], 'initContainers': [{'name': 'a', %s}]}}`, fields)
}

func ephemeralContainer(fields string) string {
	return fmt.Sprintf(`{'spec': {'containers': [{'name': 'fine'}], 'ephemeralContainers': [{'name': 'a', %s}]}}`, fields)
}

// object reads an object in JSON with single quotes, the way Kyverno gets one.
func object(t *testing.T, text string) map[string]any {
	t.Helper()
	o := new(unstructured.Unstructured)
	text = strings.ReplaceAll(text, "'", `"`)
	if err := o.UnmarshalJSON([]byte(`{"kind": "Test", ` + text[1:])); err != nil {
		t.Fatal(err)
	}
	if o.Object["metadata"] == nil {
		o.Object["metadata"] = map[string]any{}
	}
	return o.Object
}

func TestPodSecurityPolicies(t *testing.T) {
	cel := newEvaluator(t)
	all := policies(t, hub(t, demo()))
	for _, test := range pods {
		t.Run(test.name, func(t *testing.T) {
			var against []string
			for _, name := range slices.Sorted(maps.Values(controls)) {
				if _, message := all[name].judge(t, cel, object(t, test.pod)); message != "" {
					against = append(against, strings.TrimPrefix(name, "pod-security-"))
				}
			}
			if got := strings.Join(against, ", "); got != test.against {
				t.Errorf("it is against %q: want %q", got, test.against)
			}
		})
	}
}

// Kubernetes' own implementation of the standard is the judge of ours, for every control and every pod.
func TestPodSecurityPoliciesAgreeWithKubernetes(t *testing.T) {
	cel := newEvaluator(t)
	all := policies(t, hub(t, demo()))
	judged := make(map[string]bool)
	for _, check := range podsecurity.DefaultChecks() {
		if check.Level != api.LevelBaseline {
			continue
		}
		name, ok := controls[check.ID]
		if !ok {
			t.Errorf("the standard has a control %s: want a policy for it", check.ID)
			continue
		}
		judged[name] = true
		for _, test := range pods {
			var pod corev1.Pod
			if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object(t, test.pod), &pod); err != nil {
				t.Fatal(err)
			}
			_, message := all[name].judge(t, cel, object(t, test.pod))
			if want := current(t, check)(&pod.ObjectMeta, &pod.Spec).Allowed; want != (message == "") {
				t.Errorf("%s lets %q in: %v, want %v", name, test.name, message == "", want)
			}
		}
	}
	if len(judged) != len(controls) {
		t.Errorf("the standard has %d controls: want %d", len(judged), len(controls))
	}
}

// current returns the form of a check that holds for this version of Kubernetes.
func current(t *testing.T, check podsecurity.Check) podsecurity.CheckPodFn {
	t.Helper()
	level, err := api.ParseVersion("v" + charts.Kubernetes[:strings.LastIndex(charts.Kubernetes, ".")])
	if err != nil {
		t.Fatal(err)
	}
	var fn podsecurity.CheckPodFn
	for _, v := range check.Versions {
		if !level.Older(v.MinimumVersion) {
			fn = v.CheckPod
		}
	}
	return fn
}

// Kyverno applies a policy for pods to controllers by rewriting its text.
func TestPodSecurityPoliciesHoldForControllers(t *testing.T) {
	cel := newEvaluator(t)
	controllers := map[string]string{
		"deployment": "spec.template",
		"cronjob":    "spec.jobTemplate.spec.template",
	}
	for kind, template := range controllers {
		rewrite := strings.NewReplacer(
			"object.spec", "object."+template+".spec", "object.metadata", "object."+template+".metadata")
		all := policies(t, hub(t, demo()))
		for _, test := range pods {
			pod := object(t, test.pod)
			controller := map[string]any{"kind": "Test", "metadata": map[string]any{"name": "test"}}
			fields := strings.Split(template, ".")
			for _, part := range []string{"spec", "metadata"} {
				content := pod[part].(map[string]any)
				if len(content) == 0 {
					continue
				}
				if err := unstructured.SetNestedMap(controller, content, append(fields, part)...); err != nil {
					t.Fatal(err)
				}
			}
			for _, name := range controls {
				rewritten := rewriteExpressions(t, all[name], rewrite)
				_, message := rewritten.judge(t, cel, controller)
				if want := name != "pod-security-"+test.against; want != (message == "") {
					t.Errorf("%s lets a %s of %q in: %v, want %v", name, kind, test.name, message == "", want)
				}
			}
		}
	}
}

// rewriteExpressions returns a policy with all its text rewritten.
func rewriteExpressions(t *testing.T, p *policy, rewrite *strings.Replacer) *policy {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	rewritten := new(policy)
	if err := json.Unmarshal([]byte(rewrite.Replace(string(text))), rewritten); err != nil {
		t.Fatal(err)
	}
	return rewritten
}

func TestPodSecurityPoliciesSayWhatIsWrongAndWhatWouldBeRight(t *testing.T) {
	cel := newEvaluator(t)
	all := policies(t, hub(t, demo()))
	for _, test := range []struct{ policy, pod, want string }{
		{"privileged-containers", container(`'securityContext': {'privileged': true}`),
			"Privileged containers: a. Leave securityContext.privileged out, or set it to false."},
		{"host-namespaces", `{'spec': {'hostPID': true, 'hostIPC': true, 'containers': [{'name': 'a'}]}}`,
			"The pod shares namespaces of the host: hostPID, hostIPC. Leave these fields out, or set them to false."},
		{"capabilities", initContainer(`'securityContext': {'capabilities': {'add': ['NET_ADMIN', 'KILL', 'BPF']}}`),
			"Forbidden capabilities: a adds NET_ADMIN, BPF. Allowed to add are AUDIT_WRITE, CHOWN, DAC_OVERRIDE, FOWNER, " +
				"FSETID, KILL, MKNOD, NET_BIND_SERVICE, SETFCAP, SETGID, SETPCAP, SETUID, SYS_CHROOT."},
	} {
		if _, got := all["pod-security-"+test.policy].judge(t, cel, object(t, test.pod)); got != test.want {
			t.Errorf("%s says %q: want %q", test.policy, got, test.want)
		}
	}
}

func TestPodSecurityPoliciesLetGoOfWhatIsBeingDeleted(t *testing.T) {
	cel := newEvaluator(t)
	all := policies(t, hub(t, demo(enforcing)))
	pod := object(t, container(`'securityContext': {'privileged': true}`))
	pod["metadata"] = map[string]any{"deletionTimestamp": "2026-11-20T10:00:00Z"}
	if _, message := all["pod-security-privileged-containers"].judge(t, cel, pod); message != "" {
		t.Errorf("a pod that is being deleted is held: %s", message)
	}
}

// What is added to a pod later is judged like what was there from the beginning. Kubernetes' own implementation says
// how: that of a pod with nothing but the containers that were added.
func TestEphemeralContainersAreJudgedWhenTheyAreAdded(t *testing.T) {
	cel := newEvaluator(t)
	p := policies(t, hub(t, demo()))["pod-security-ephemeral-containers"]
	refused := 0
	for _, test := range pods {
		var pod corev1.Pod
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object(t, test.pod), &pod); err != nil {
			t.Fatal(err)
		}
		debugged := &corev1.Pod{Spec: corev1.PodSpec{HostUsers: pod.Spec.HostUsers}}
		for _, c := range slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers) {
			// The API server takes no ephemeral container with one of these.
			c.Ports, c.LivenessProbe, c.ReadinessProbe, c.StartupProbe, c.Lifecycle = nil, nil, nil, nil, nil
			debugged.Spec.EphemeralContainers = append(debugged.Spec.EphemeralContainers,
				corev1.EphemeralContainer{EphemeralContainerCommon: corev1.EphemeralContainerCommon(c)})
		}
		fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(debugged)
		if err != nil {
			t.Fatal(err)
		}
		_, message := p.judge(t, cel, fields)
		if want := kubernetesAllows(t, debugged); want != (message == "") {
			t.Errorf("containers of %q can be added later: %v (%s), want %v", test.name, message == "", message, want)
		}
		if message != "" {
			refused++
		}
	}
	if refused == 0 {
		t.Error("no container was refused: want some")
	}
}

// kubernetesAllows says whether Kubernetes' own implementation of the baseline lets a pod in.
func kubernetesAllows(t *testing.T, pod *corev1.Pod) bool {
	t.Helper()
	for _, check := range podsecurity.DefaultChecks() {
		if check.Level == api.LevelBaseline && !current(t, check)(&pod.ObjectMeta, &pod.Spec).Allowed {
			return false
		}
	}
	return true
}
