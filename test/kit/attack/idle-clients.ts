import { connect, type Socket } from 'node:net';

// A program: opens so many connections to a port of this machine and says nothing on any of them. It tells when all are
// open, and each time when one of them was closed by the other side.

const [port, count] = process.argv.slice(2).map(Number);
const sockets: Socket[] = [];
let closed = 0;
for (let i = 0; i < (count ?? 0); i++) {
  const socket = connect({ port: port ?? 0, host: '127.0.0.1' });
  sockets.push(socket);
  socket.on('error', () => {}); // A reset is an end as well.
  socket.on('close', () => process.stdout.write(`closed ${++closed}\n`));
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
}
process.stdout.write(`open ${sockets.length}\n`);
