// Starts the receiver on a free port of loopback and prints its address, then each request that it understood, one JSON per line.
const { MockOtlpServer } = require('@elastic/mockotlpserver');

async function serve() {
    const server = new MockOtlpServer({
        logLevel: 'fatal',
        services: ['http'],
        httpHostname: '127.0.0.1',
        httpPort: 0,
        onLogs: (logs) => process.stdout.write(JSON.stringify(logs) + '\n'),
    });
    await server.start();
    process.stdout.write(JSON.stringify(server.httpUrl.toString()) + '\n');
}

serve();
