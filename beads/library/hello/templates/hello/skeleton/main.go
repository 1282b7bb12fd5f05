// Command hello serves a small HTTP API: a greeting, its health, and its description.
package main

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// grace is how long requests under way may take to finish when the program is to end.
const grace = 10 * time.Second

func main() {
	listen := flag.String("listen", ":8080", "the address to listen on")
	text := flag.String("text", "Hello, world!", "what is answered to who gives no name")
	flag.Parse()

	logger := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *listen, *text, logger); err != nil {
		logger.Error("serving", "error", err)
		os.Exit(1)
	}
}

// serve answers requests until the context ends.
func serve(ctx context.Context, listen, text string, logger *slog.Logger) error {
	server := &http.Server{Addr: listen, Handler: newHandler(text, logger), ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	logger.Info("listening", "address", listen)
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	finish, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := server.Shutdown(finish); err != nil {
		return err
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
