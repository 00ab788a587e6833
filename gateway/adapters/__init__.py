"""What stands outside: authorities, transports, brokers. Picked by `app` alone."""
