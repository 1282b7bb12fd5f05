package spec

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

func TestBogusKindClustersAreRefused(t *testing.T) {
	const (
		range0  = " is not a port: want 1 to 65535, or 0 for one that is free"
		range1  = " is not a port: want 1 to 65535"
		taken   = " already: want another, or 0 for one that is free"
		noPath  = " is not an absolute path: want one that begins with /"
		noURL   = "is not the URL of a mirror: want one such as https://mirror.example.com"
		user    = "has a user or password in it, which would end up in Git: take that out"
		noPEM   = `is no certificate: want PEM blocks "CERTIFICATE" and nothing else`
		garbage = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
		key     = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"
	)
	valid := authority(t)
	authorities := func(text string) string { return "provider: kind\nkind: {authorities: " + strconv.Quote(text) + "}" }
	for _, test := range []refused{
		{"with another provider", "provider: existing\nexisting: {context: a}\nkind: {image: a}",
			[]string{"hub.yaml:7: spec.kind: is for the provider kind, and spec.provider is existing: take one of them out"}},
		{"with the default provider", "kind: {image: a}",
			[]string{"hub.yaml:5: spec.kind: is for the provider kind, and spec.provider is embedded: take one of them out"}},
		{"ports that there are not", "provider: kind\nkind: {ports: {kubernetes: -1, http: 65536, https: 65535}}", []string{
			"hub.yaml:6: spec.kind.ports.kubernetes: -1" + range0, "hub.yaml:6: spec.kind.ports.http: 65536" + range0,
		}},
		{"one port for all", "provider: kind\nkind: {ports: {kubernetes: 8443, http: 8443, https: 8443}}", []string{
			"hub.yaml:6: spec.kind.ports.http: 8443 is the port of kubernetes" + taken,
			"hub.yaml:6: spec.kind.ports.https: 8443 is the port of kubernetes" + taken,
		}},
		{"one port for two", "provider: kind\nkind: {ports: {http: 80, https: 80}}",
			[]string{"hub.yaml:6: spec.kind.ports.https: 80 is the port of http" + taken}},
		{"port mappings without ports", "provider: kind\nkind: {portMappings: [{hostPort: 1}, {containerPort: 65535}, {}]}",
			[]string{
				"hub.yaml:6: spec.kind.portMappings[0].containerPort: 0" + range1,
				"hub.yaml:6: spec.kind.portMappings[1].hostPort: 0" + range1,
				"hub.yaml:6: spec.kind.portMappings[2].hostPort: 0" + range1,
				"hub.yaml:6: spec.kind.portMappings[2].containerPort: 0" + range1,
			}},
		{"a port mapping out of range", "provider: kind\nkind: {portMappings: [{hostPort: -1, containerPort: 65536}]}",
			[]string{
				"hub.yaml:6: spec.kind.portMappings[0].hostPort: -1" + range1,
				"hub.yaml:6: spec.kind.portMappings[0].containerPort: 65536" + range1,
			}},
		{"protocols", `provider: kind
kind:
  portMappings:
    - {hostPort: 53, containerPort: 53, protocol: udp}
    - {hostPort: 54, containerPort: 53, protocol: QUIC}`, []string{
			`hub.yaml:8: spec.kind.portMappings[0].protocol: "udp" is not a protocol: want one of TCP, UDP, SCTP ` +
				`(did you mean UDP?)`,
			`hub.yaml:9: spec.kind.portMappings[1].protocol: "QUIC" is not a protocol: want one of TCP, UDP, SCTP`,
		}},
		{"a listen address", "provider: kind\n" +
			"kind: {portMappings: [{hostPort: 1, containerPort: 1, listenAddress: localhost}]}",
			[]string{`hub.yaml:6: spec.kind.portMappings[0].listenAddress: "localhost" is not an IP address: ` +
				`want one of this machine, such as 127.0.0.1`}},
		{"mounts", "provider: kind\nkind: {mounts: [{hostPath: src, containerPath: ./x}, {hostPath: ~/src}]}", []string{
			`hub.yaml:6: spec.kind.mounts[0].hostPath: "src"` + noPath,
			`hub.yaml:6: spec.kind.mounts[0].containerPath: "./x"` + noPath,
			`hub.yaml:6: spec.kind.mounts[1].containerPath: ""` + noPath,
			`hub.yaml:6: spec.kind.mounts[1].hostPath: "~/src"` + noPath,
		}},
		{"mirrors", `provider: kind
kind:
  mirrors:
    a.example.com: mirror.example.com
    b.example.com: oci://mirror.example.com
    c.example.com: https://
    d.example.com: https://robot:swordfish@mirror.example.com
    e.example.com: https://robot:sword%zzfish@mirror.example.com
    f.example.com: ""`, []string{
			`hub.yaml:8: spec.kind.mirrors["a.example.com"]: ` + noURL,
			`hub.yaml:9: spec.kind.mirrors["b.example.com"]: ` + noURL,
			`hub.yaml:10: spec.kind.mirrors["c.example.com"]: ` + noURL,
			`hub.yaml:11: spec.kind.mirrors["d.example.com"]: ` + user,
			`hub.yaml:12: spec.kind.mirrors["e.example.com"]: ` + noURL,
			`hub.yaml:13: spec.kind.mirrors["f.example.com"]: ` + noURL,
		}},
		{"authorities that are no PEM", authorities("swordfish"), []string{"hub.yaml:6: spec.kind.authorities: " + noPEM}},
		{"authorities that are spaces", authorities(" \n"), []string{"hub.yaml:6: spec.kind.authorities: " + noPEM}},
		{"a key among authorities", authorities(valid + key), []string{"hub.yaml:6: spec.kind.authorities: " + noPEM}},
		{"text after authorities", authorities(valid + "swordfish"), []string{"hub.yaml:6: spec.kind.authorities: " + noPEM}},
		{"a broken certificate among authorities", authorities(valid + garbage),
			[]string{"hub.yaml:6: spec.kind.authorities: cannot be read: x509: malformed certificate: " +
				"want certificates of authorities"}},
		{"names misspelt", `provider: kind
kind:
  imge: kindest/node:v1.34.4
  port: {http: 80}
  ports: {kubernets: 6443}
  portMappings: [{hostport: 1, containerPort: 1, hostPort: 1}]
  mounts: [{hostPath: /a, containerPath: /a, readonly: true}]
  mirror: {}
  authority: ""`, []string{
			"hub.yaml:7: spec.kind.imge: unknown field: did you mean image?",
			"hub.yaml:8: spec.kind.port: unknown field: did you mean ports?",
			"hub.yaml:9: spec.kind.ports.kubernets: unknown field: did you mean kubernetes?",
			"hub.yaml:10: spec.kind.portMappings[0].hostport: unknown field: did you mean hostPort?",
			"hub.yaml:11: spec.kind.mounts[0].readonly: unknown field: did you mean readOnly?",
			"hub.yaml:12: spec.kind.mirror: unknown field: did you mean mirrors?",
			"hub.yaml:13: spec.kind.authority: unknown field: did you mean authorities?",
		}},
		{"a field near none", "provider: kind\nkind: {replicas: 3}", []string{
			"hub.yaml:6: spec.kind.replicas: unknown field: want one of image, ports, portMappings, mounts, mirrors, " +
				"authorities, config",
		}},
		{"the provider misspelt", "provider: kin\nkind: {image: a}", []string{`hub.yaml:5: spec.provider: "kin" is not a ` +
			`provider: want one of embedded, kind, eks, gke, existing (did you mean kind?)`}},
	} {
		test.test(t)
	}
}

// authority returns the certificate of an authority, PEM.
func authority(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

func TestAKindClusterCanBeAskedForInEveryWay(t *testing.T) {
	authorities := strings.Repeat("# the company's\n"+authority(t), 2)
	h := load(t, `provider: kind
kind:
  ports: {kubernetes: 6443, http: 80, https: 443}
  portMappings:
    - {hostPort: 53, containerPort: 53, protocol: UDP, listenAddress: "::1"}
    - {hostPort: 53, containerPort: 53}
  mounts: [{hostPath: /src, containerPath: /src}]
  mirrors: {docker.io: "http://mirror:5000/v2/hub", "registry.example.com:5000": "https://mirror.example.com"}
  authorities: `+strconv.Quote(authorities))
	want := &KindCluster{
		Ports: KindPorts{Kubernetes: 6443, HTTP: 80, HTTPS: 443},
		PortMappings: []PortMapping{
			{HostPort: 53, ContainerPort: 53, Protocol: "UDP", ListenAddress: "::1"}, {HostPort: 53, ContainerPort: 53},
		},
		Mounts: []Mount{{HostPath: "/src", ContainerPath: "/src"}},
		Mirrors: map[string]string{
			"docker.io": "http://mirror:5000/v2/hub", "registry.example.com:5000": "https://mirror.example.com",
		},
		Authorities: authorities,
	}
	if !reflect.DeepEqual(h.Spec.Kind, want) {
		t.Errorf("loaded\n%+v, want\n%+v", h.Spec.Kind, want)
	}
}

func TestEmptyListsOfAKindClusterResolveLikeNone(t *testing.T) {
	got := load(t, "provider: kind\nkind: {portMappings: [], mounts: [], mirrors: {}}")
	if want := load(t, "provider: kind"); !reflect.DeepEqual(got, want) {
		t.Errorf("resolved\n%+v, want\n%+v", got.Spec.Kind, want.Spec.Kind)
	}
}
