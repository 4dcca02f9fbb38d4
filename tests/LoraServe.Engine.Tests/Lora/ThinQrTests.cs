using FsCheck.Xunit;
using LoraServe.Engine.Lora;
using Shouldly;
using Xunit;

namespace LoraServe.Engine.Tests.Lora;

public class ThinQrTests
{
    private const double Tolerance = 1e-13;

    [Property(MaxTest = 200)]
    public void Of_RandomColumns_GivesOrthonormalColumnsAndTheirProduct(byte count, byte length, byte repeated, int seed)
    {
        var random = new Random(seed);
        var columns = Enumerable.Range(0, 1 + (count % 12)).Select(_ => Column(random, 1 + (length % 30))).ToArray();
        columns[^1] = [.. columns[repeated % columns.Length]];
        var qr = ThinQr.Of([.. columns.Select(column => column.ToArray())]);

        for (var j = 0; j < columns.Length; j++)
        {
            for (var i = 0; i <= j; i++)
                Blas1.Dot(qr.Q[i], qr.Q[j]).ShouldBe(i == j && qr.R[j][j] != 0 ? 1 : 0, Tolerance);
            qr.R[j].Skip(j + 1).ShouldAllBe(value => value == 0);
            var product = new double[columns[j].Length];
            for (var i = 0; i <= j; i++) Blas1.Axpy(qr.R[j][i], qr.Q[i], product);
            product.ShouldBe(columns[j], Tolerance);
        }
    }

    [Fact]
    public void Of_NearlyParallelColumns_IsOrthogonalAllTheSame()
    {
        // The matrix on which the process without the second pass fails (Lauchli 1961).
        const double Small = 1e-9;

        var q = ThinQr.Of([[1, Small, 0, 0], [1, 0, Small, 0], [1, 0, 0, Small]]).Q;

        Blas1.Dot(q[0], q[1]).ShouldBe(0, Tolerance);
        Blas1.Dot(q[0], q[2]).ShouldBe(0, Tolerance);
        Blas1.Dot(q[1], q[2]).ShouldBe(0, Tolerance);
    }

    private static double[] Column(Random random, int length) =>
        [.. Enumerable.Range(0, length).Select(_ => (random.NextDouble() * 2) - 1)];
}
