using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LoraServe.Engine.Kernels;
using LoraServe.Engine.Kernels.Lanes;
using LoraServe.Engine.Kernels.Products;
using Shouldly;
using Xunit;
using BFloat16 = LoraServe.Engine.Kernels.Lanes.BFloat16;

namespace LoraServe.Engine.Tests.Kernels.Products;

/// <summary>Every form of the product against sums in float64.</summary>
public unsafe class RowsProductTests
{
    // The rounding unit of float32, and of bfloat16.
    private static readonly double Unit = Math.Pow(2, -24);
    private static readonly double Half = Math.Pow(2, -9);

    private static readonly Dictionary<string, RowsProduct> Products = new()
    {
        ["bfloat16, 16 lanes"] = new LanesProduct<Lanes16, ushort, PairedNumbers<Lanes16>>(),
        ["bfloat16, 8 lanes"] = new LanesProduct<Lanes8, ushort, PairedNumbers<Lanes8>>(),
        ["bfloat16, 4 lanes"] = new LanesProduct<Lanes4, ushort, PairedNumbers<Lanes4>>(),
        ["bfloat16, plain"] = new LanesProduct<Lanes1, ushort, PairedNumbers<Lanes1>>(),
        ["bfloat16, dot product"] = DotProduct.Shared,
        ["float32, 16 lanes"] = new LanesProduct<Lanes16, float, PlainNumbers<Lanes16>>(),
        ["float32, 8 lanes"] = new LanesProduct<Lanes8, float, PlainNumbers<Lanes8>>(),
        ["float32, 4 lanes"] = new LanesProduct<Lanes4, float, PlainNumbers<Lanes4>>(),
        ["float32, plain"] = new LanesProduct<Lanes1, float, PlainNumbers<Lanes1>>(),
    };

    public static Arbitrary<Case> Cases { get; } = Arb.From(
        from name in Gen.Elements(Products.Keys.ToArray())
        from rows in Gen.Choose(1, 40)
        from inputs in Gen.Choose(1, 700)
        from outputs in Gen.Choose(1, 90)
        from hasBias in Gen.Elements(true, false)
        select new Case(name, rows, name.EndsWith("dot product", StringComparison.Ordinal) ? (inputs + 31) / 32 * 32 : inputs, outputs, hasBias));

    [Property(MaxTest = 300)]
    public Property Multiply_AnyShape_IsWithinTheErrorOfItsRoundings() => Prop.ForAll(Cases, one =>
    {
        Assert.SkipUnless(IsSupported(one.Product), "This processor lacks the instructions.");
        using var operands = new Operands(one);

        var y = operands.Run(0, one.Rows, 0, one.Outputs);

        // However the products are summed, each takes part in no more roundings than there are products. The dot product rounds x to bfloat16.
        var rounding = (one.Inputs + 2) * Unit + (one.Product.EndsWith("dot product", StringComparison.Ordinal) ? Half : 0);
        for (var row = 0; row < one.Rows; row++)
        {
            for (var output = 0; output < one.Outputs; output++)
            {
                var (sum, size) = operands.Exact(row, output);
                Math.Abs(y[(row * one.Outputs) + output] - sum).ShouldBeLessThanOrEqualTo(rounding * 1.001 * size);
            }
        }
    });

    [Property(MaxTest = 150)]
    public Property Multiply_RowsAloneAndOutputsInParts_GivesTheSameBits() => Prop.ForAll(Cases, one =>
    {
        Assert.SkipUnless(IsSupported(one.Product), "This processor lacks the instructions.");
        using var operands = new Operands(one);
        var expected = operands.Run(0, one.Rows, 0, one.Outputs);
        var middle = one.Outputs / 2 / RowsProduct.Group * RowsProduct.Group;

        var actual = new float[expected.Length];
        for (var row = 0; row < one.Rows; row++)
        {
            var (first, second) = (operands.Run(row, 1, 0, middle), operands.Run(row, 1, middle, one.Outputs));
            for (var i = 0; i < one.Outputs; i++) actual[(row * one.Outputs) + i] = i < middle ? first[i] : second[i];
        }

        actual.ShouldBe(expected);
    });

    private static bool IsSupported(string product) => product switch
    {
        "bfloat16, dot product" => DotProduct.IsSupported,
        _ when product.EndsWith("16 lanes", StringComparison.Ordinal) => Lanes16.IsSupported,
        _ when product.EndsWith("8 lanes", StringComparison.Ordinal) => Lanes8.IsSupported,
        _ => true,
    };

    /// <summary>The shape of a product.</summary>
    public sealed record Case(string Product, int Rows, int Inputs, int Outputs, bool HasBias);

    private sealed class Operands : IDisposable
    {
        private readonly Case _case;
        private readonly RowsProduct _product;
        private readonly float[] _x;
        private readonly float[] _w;
        private readonly float[] _b;
        private readonly AlignedMemory _packed;
        private readonly AlignedMemory _weight;
        private readonly AlignedMemory _bias;

        public Operands(Case one)
        {
            (_case, _product) = (one, Products[one.Product]);
            (_x, _w, _b) = (Numbers(1, one.Rows * one.Inputs), Numbers(2, one.Outputs * one.Inputs), Numbers(3, one.Outputs));
            (_weight, _bias) = (Stored(_w), Stored(_b));
            var bytes = _product.PackedBytes(one.Inputs);
            _packed = new AlignedMemory(bytes * one.Rows);
            for (var row = 0; row < one.Rows; row++)
            {
                var copy = _x.AsSpan(row * one.Inputs, one.Inputs).ToArray();
                fixed (float* x = copy) _product.Pack(x, _packed.Address + (row * bytes), one.Inputs);
            }
        }

        /// <summary>Outputs of some rows, those before the first one zero.</summary>
        public float[] Run(int row, int rows, int from, int to)
        {
            var y = new float[rows * _case.Outputs];
            fixed (float* target = y)
            {
                var operands = new ProductOperands
                {
                    X = _packed.Address + (row * _product.PackedBytes(_case.Inputs)),
                    Rows = rows,
                    W = _weight.Address,
                    Inputs = _case.Inputs,
                    Bias = _case.HasBias ? _bias.Address : null,
                    Y = target,
                    YStride = _case.Outputs,
                };
                _product.Multiply(operands, from, to);
            }

            return y;
        }

        public (double Sum, double Size) Exact(int row, int output)
        {
            var (sum, size) = _case.HasBias ? ((double)_b[output], Math.Abs((double)_b[output])) : (0, 0);
            for (var i = 0; i < _case.Inputs; i++)
            {
                var product = (double)_x[(row * _case.Inputs) + i] * _w[(output * _case.Inputs) + i];
                (sum, size) = (sum + product, size + Math.Abs(product));
            }

            return (sum, size);
        }

        public void Dispose()
        {
            _packed.Dispose();
            _weight.Dispose();
            _bias.Dispose();
        }

        private bool IsBFloat16 => _case.Product.StartsWith("bfloat16", StringComparison.Ordinal);

        // Weights are numbers of their dtype; x is any float32.
        private float[] Numbers(int seed, int count)
        {
            var random = new Random(seed);
            return [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() * 2) - 1)).Select(value => seed > 1 && IsBFloat16 ? BFloat16.Widen(BFloat16.Round(value)) : value)];
        }

        private AlignedMemory Stored(float[] values)
        {
            var memory = new AlignedMemory(values.Length * (long)sizeof(float));
            for (var i = 0; i < values.Length; i++)
            {
                if (IsBFloat16) ((ushort*)memory.Address)[i] = BFloat16.Round(values[i]);
                else memory.Numbers[i] = values[i];
            }

            return memory;
        }
    }
}
