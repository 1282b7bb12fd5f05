// Command redis is the Redis of an embedded hub: what Argo CD's components share of their caches. It is small, in
// memory, and takes only callers who know a password, over TLS. Within Argo CD's own program it would need three times
// the memory, for what all of Argo CD's packages make when a process begins.
package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/back-stack/backstack/engine/platform/settle"
	"github.com/spf13/cobra"
)

// expiryInterval is how exact the expiry of keys is. Argo CD's caches live for minutes and more.
const expiryInterval = time.Second

type options struct {
	addr         string
	certFile     string
	keyFile      string
	passwordFile string
}

func main() {
	if err := settle.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	if newCommand().Execute() != nil { // which has printed the error
		os.Exit(1)
	}
}

// newCommand returns the command that serves until SIGTERM. The password comes from a file, because arguments can be
// read by everyone on the machine.
func newCommand() *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:          "redis",
		Short:        "Serve Argo CD's caches over the Redis protocol until SIGTERM",
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return o.run(ctx, cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&o.addr, "addr", "127.0.0.1:6379", "address to listen on")
	cmd.Flags().StringVar(&o.certFile, "tls-cert", "", "PEM file of the server's certificate (required)")
	cmd.Flags().StringVar(&o.keyFile, "tls-key", "", "PEM file of the certificate's key (required)")
	cmd.Flags().StringVar(&o.passwordFile, "password-file", "", "file that holds the password of every caller (required)")
	for _, name := range []string{"tls-cert", "tls-key", "password-file"} {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // a flag that is not defined above
		}
	}
	return cmd
}

// run serves until the context ends, and tells log the address once it listens.
func (o *options) run(ctx context.Context, log io.Writer) error {
	certificate, err := tls.LoadX509KeyPair(o.certFile, o.keyFile)
	if err != nil {
		return fmt.Errorf("reading the server's certificate: %w", err)
	}
	password, err := readPassword(o.passwordFile)
	if err != nil {
		return err
	}

	server := miniredis.NewMiniRedis()
	server.RequireAuth(password)
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	if err := server.StartAddrTLS(o.addr, config); err != nil {
		return fmt.Errorf("serving Redis: %w", err)
	}
	defer server.Close()
	_, _ = fmt.Fprintf(log, "serving Redis on %s\n", server.Addr())

	// Keys expire only when they are told that time has passed.
	ticker := time.NewTicker(expiryInterval)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			server.FastForward(now.Sub(last))
			last = now
		}
	}
}

// readPassword returns what a file holds, without a final line break.
func readPassword(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("reading the password: %w", err)
	}
	data = bytes.TrimRight(data, "\r\n")
	if len(data) == 0 {
		return "", fmt.Errorf("reading the password: %s is empty", path)
	}
	return string(data), nil
}
