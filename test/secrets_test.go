package test

import (
	"encoding/base64"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing/object"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/back-stack/backstack/test/internal/hubtest"
)

// testSecrets looks for every credential of the hub in everything that others may see: the repositories with their
// history, logs, and arguments of processes: arguments are those of the first install. It runs last, when the hub has been
// through everything.
func testSecrets(t *testing.T, hub *hubtest.Hub, arguments []string) {
	secrets := credentials(t, hub)
	look := func(where, text string) {
		for name, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s has the credential %s in it", where, name)
			}
		}
	}
	for _, name := range []string{"hub", "requests"} {
		readHistory(t, hub.Clone(t, name), func(text string) { look(name+".git", text) })
	}
	logs, err := filepath.Glob(filepath.Join(hub.Dir(), "supervisor", "logs", "*"))
	if err != nil || len(logs) < 15 {
		t.Fatalf("logs %v, %v, want one of each program", logs, err)
	}
	for _, log := range logs {
		look(log, hubtest.ReadFile(t, log))
	}
	processes := hub.Processes()
	if len(processes) < 15 {
		t.Errorf("%d processes were looked at, want all", len(processes))
	}
	for _, process := range processes {
		look("command line", process.CommandLine)
	}
	if !slices.ContainsFunc(arguments, func(line string) bool { return strings.Contains(line, "gitea admin user ") }) {
		t.Errorf("of the first install were seen the command lines\n%s\nwant that which makes Gitea's administrator",
			strings.Join(arguments, "\n"))
	}
	look("a command line of the first install", strings.Join(arguments, "\n"))
	for _, command := range [][]string{{"status", "-o", "json"}, {"outputs", "-o", "yaml"}, {"install"}} {
		result := hub.Run(t, command...)
		look(strings.Join(command, " "), result.Stdout+result.Stderr)
	}
}

// credentials collects every password, token and private key that install has made, by the file that it lies in.
func credentials(t *testing.T, hub *hubtest.Hub) map[string]string {
	t.Helper()
	found := map[string]string{}
	add := func(name, secret string) {
		if secret = strings.TrimSpace(secret); len(secret) < 20 {
			t.Errorf("%s holds %d characters, want a credential", name, len(secret))
			return
		}
		found[name] = secret
	}
	walk := func(dir string, read func(path string)) {
		err := filepath.WalkDir(filepath.Join(hub.Dir(), dir), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.Type().IsRegular() {
				read(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	walk("credentials", func(path string) { add(path, hubtest.ReadFile(t, path)) })
	walk("pki", func(path string) {
		if strings.HasSuffix(path, ".key") {
			add(path, longestLine(hubtest.ReadFile(t, path)))
		}
	})
	addKeys := func(path string) {
		config, err := clientcmd.LoadFromFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, user := range config.AuthInfos {
			add(path, base64.StdEncoding.EncodeToString(user.ClientKeyData))
		}
	}
	walk("kubeconfigs", addKeys)
	addKeys(hub.Outputs(t).Kubeconfig)
	if len(found) < 40 {
		t.Fatalf("%d credentials were found, want all", len(found))
	}
	return found
}

// longestLine returns the line of a PEM file that tells keys apart.
func longestLine(text string) string {
	longest := ""
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "-----") && len(line) >= len(longest) {
			longest = line
		}
	}
	return longest
}

// readHistory passes every version of every file of a repository, and every commit message.
func readHistory(t *testing.T, repository *hubtest.Repository, read func(text string)) {
	t.Helper()
	for _, message := range repository.Commits(t) {
		read(message)
	}
	blobs, err := repository.BlobObjects()
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	if err := blobs.ForEach(func(blob *object.Blob) error {
		reader, err := blob.Reader()
		if err != nil {
			return err
		}
		defer func() { _ = reader.Close() }()
		content, err := io.ReadAll(reader)
		if err == nil {
			count++
			read(string(content))
		}
		return err
	}); err != nil || count == 0 {
		t.Fatalf("%d files were read, %v", count, err)
	}
}
