package pki

import (
	"crypto/x509"
	"os"
	"testing"
)

func TestIssuedCertificatesAreFitForWhatTheyAreFor(t *testing.T) {
	dir := Dir(t.TempDir())
	ca, err := dir.Authority("ca")
	if err != nil {
		t.Fatal(err)
	}
	leaves := []Leaf{
		{Name: "server", CommonName: "server", Hosts: []string{"127.0.0.1", "localhost"}},
		{Name: "client", CommonName: "user", Organizations: []string{"group"}, Client: true},
	}
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	usages := map[string][]x509.ExtKeyUsage{
		"server": {x509.ExtKeyUsageServerAuth}, "client": {x509.ExtKeyUsageClientAuth},
	}
	for _, leaf := range leaves {
		if err := ca.Issue(leaf); err != nil {
			t.Fatal(err)
		}
		cert, _, err := dir.load(leaf.Name)
		if err != nil {
			t.Fatal(err)
		}
		for name, usage := range usages {
			_, err := cert.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: usage})
			if ok := err == nil; ok != (name == leaf.Name) {
				t.Errorf("%s can be used as %s: %v", leaf.Name, name, ok)
			}
		}
	}
}

func TestSecondRunKeepsEverything(t *testing.T) {
	dir := Dir(t.TempDir())
	run := func() map[string]string {
		ca, err := dir.Authority("ca")
		if err != nil {
			t.Fatal(err)
		}
		if err := ca.Issue(Leaf{Name: "leaf", CommonName: "x", Hosts: []string{"127.0.0.1"}}); err != nil {
			t.Fatal(err)
		}
		if err := dir.SigningKey("tokens"); err != nil {
			t.Fatal(err)
		}
		return contents(t, dir)
	}
	first, second := run(), run()
	if len(first) != 6 {
		t.Errorf("%d files, want 6", len(first))
	}
	for name, content := range first {
		if second[name] != content {
			t.Errorf("%s was made anew", name)
		}
	}
}

func TestWhatNoLongerFitsIsMadeAnew(t *testing.T) {
	dir := Dir(t.TempDir())
	ca, err := dir.Authority("ca")
	if err != nil {
		t.Fatal(err)
	}
	leaf := Leaf{Name: "leaf", CommonName: "x", Hosts: []string{"127.0.0.1"}, Client: true}
	changes := map[string]func(){
		"another host":          func() { leaf.Hosts = []string{"127.0.0.1", "example.com"} },
		"another name":          func() { leaf.CommonName = "y" },
		"another group":         func() { leaf.Organizations = []string{"g"} },
		"no client any more":    func() { leaf.Client = false },
		"a killed run's key":    func() { swapKey(t, dir, "leaf") },
		"the authority is new":  func() { ca = renew(t, dir, "ca") },
		"the certificate is no": func() { remove(t, dir.Cert("leaf")) },
	}
	for name, change := range changes {
		if err := ca.Issue(leaf); err != nil {
			t.Fatal(err)
		}
		before := contents(t, dir)["leaf.crt"]
		change()
		if err := ca.Issue(leaf); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if contents(t, dir)["leaf.crt"] == before {
			t.Errorf("%s: the certificate stayed", name)
		}
	}
}

func TestFilesAreForTheirOwnerAlone(t *testing.T) {
	dir := Dir(t.TempDir())
	ca, err := dir.Authority("ca")
	if err != nil {
		t.Fatal(err)
	}
	if err := ca.Issue(Leaf{Name: "leaf", CommonName: "x", Client: true}); err != nil {
		t.Fatal(err)
	}
	for name := range contents(t, dir) {
		info, err := os.Stat(string(dir) + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o, want 600", name, mode)
		}
	}
}

// contents are those of the files in dir, by name.
func contents(t *testing.T, dir Dir) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(string(dir))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, entry := range entries {
		data, err := os.ReadFile(string(dir) + "/" + entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		all[entry.Name()] = string(data)
	}
	return all
}

// swapKey leaves what a run leaves that was killed between writing a new key and writing its certificate.
func swapKey(t *testing.T, dir Dir, name string) {
	t.Helper()
	other, err := dir.Authority("other")
	if err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(dir.Key(other.name))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir.Key(name), key, 0o600); err != nil {
		t.Fatal(err)
	}
}

func renew(t *testing.T, dir Dir, name string) *Authority {
	t.Helper()
	remove(t, dir.Cert(name))
	ca, err := dir.Authority(name)
	if err != nil {
		t.Fatal(err)
	}
	return ca
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}
