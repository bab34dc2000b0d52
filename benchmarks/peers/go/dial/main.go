// Dials an address so many times, as `bench_net_dial dial` does, and prints what a dial and a close take.
package main

import (
	"fmt"
	"log"
	"net"
	"os"
	"strconv"
	"syscall"
	"time"
)

// processorTime returns how long the processor worked for this process so far.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// dialAndClose leaves Go's own options as they are (no delay, keep-alive each 15 s), which are those of the others, and resets the
// connection when it closes it, as they do.
func dialAndClose(address string) {
	conn, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		log.Fatal(err)
	}
	if err := conn.(*net.TCPConn).SetLinger(0); err != nil {
		log.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		log.Fatal(err)
	}
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: bench_net_go ADDRESS COUNT")
	}
	address := os.Args[1]
	count, err := strconv.Atoi(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	dialAndClose(address)
	clock, processor := time.Now(), processorTime()
	for i := 0; i < count; i++ {
		dialAndClose(address)
	}
	passed, worked := time.Since(clock), processorTime()-processor
	fmt.Printf("{\"cpu_ns\": %.1f, \"clock_ns\": %.1f}\n", float64(worked.Nanoseconds())/float64(count), float64(passed.Nanoseconds())/float64(count))
}
