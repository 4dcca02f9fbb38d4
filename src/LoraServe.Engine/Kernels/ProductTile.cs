using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace LoraServe.Engine.Kernels;

/// <summary>
/// The innermost part of a product (Goto and van de Geijn 2008, "Anatomy of High-Performance Matrix Multiplication"): 6 x 16 results, which
/// occupy 12 of the 16 vector registers of 8 float32, from panels stored in the order in which they are read.
/// </summary>
internal static unsafe class ProductTile
{
    /// <summary>Rows of a tile.</summary>
    public const int Rows = 6;

    /// <summary>Columns of a tile.</summary>
    public const int Columns = 16;

    /// <summary>c = scale * a b, or c += scale * a b.</summary>
    /// <param name="a">[depth, 6].</param>
    /// <param name="b">[depth, 16].</param>
    /// <param name="depth">Products of each sum.</param>
    /// <param name="c">[6, 16].</param>
    /// <param name="stride">Elements from one row of c to the next.</param>
    /// <param name="scale">A factor.</param>
    /// <param name="adds">Whether c is added to.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Run(float* a, float* b, int depth, float* c, long stride, float scale, bool adds)
    {
        Vector256<float> c00 = default, c01 = default, c10 = default, c11 = default, c20 = default, c21 = default;
        Vector256<float> c30 = default, c31 = default, c40 = default, c41 = default, c50 = default, c51 = default;
        for (var end = a + ((long)depth * Rows); a < end; a += Rows, b += Columns)
        {
            var (b0, b1) = (Vector256.Load(b), Vector256.Load(b + 8));
            var x = Vector256.Create(a[0]);
            c00 = Vector256.FusedMultiplyAdd(x, b0, c00);
            c01 = Vector256.FusedMultiplyAdd(x, b1, c01);
            x = Vector256.Create(a[1]);
            c10 = Vector256.FusedMultiplyAdd(x, b0, c10);
            c11 = Vector256.FusedMultiplyAdd(x, b1, c11);
            x = Vector256.Create(a[2]);
            c20 = Vector256.FusedMultiplyAdd(x, b0, c20);
            c21 = Vector256.FusedMultiplyAdd(x, b1, c21);
            x = Vector256.Create(a[3]);
            c30 = Vector256.FusedMultiplyAdd(x, b0, c30);
            c31 = Vector256.FusedMultiplyAdd(x, b1, c31);
            x = Vector256.Create(a[4]);
            c40 = Vector256.FusedMultiplyAdd(x, b0, c40);
            c41 = Vector256.FusedMultiplyAdd(x, b1, c41);
            x = Vector256.Create(a[5]);
            c50 = Vector256.FusedMultiplyAdd(x, b0, c50);
            c51 = Vector256.FusedMultiplyAdd(x, b1, c51);
        }

        var factor = Vector256.Create(scale);
        Store(c00, c01, c, factor, adds);
        Store(c10, c11, c + stride, factor, adds);
        Store(c20, c21, c + (2 * stride), factor, adds);
        Store(c30, c31, c + (3 * stride), factor, adds);
        Store(c40, c41, c + (4 * stride), factor, adds);
        Store(c50, c51, c + (5 * stride), factor, adds);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector256<float> left, Vector256<float> right, float* c, Vector256<float> factor, bool adds)
    {
        if (adds)
        {
            Vector256.FusedMultiplyAdd(left, factor, Vector256.Load(c)).Store(c);
            Vector256.FusedMultiplyAdd(right, factor, Vector256.Load(c + 8)).Store(c + 8);
        }
        else
        {
            (left * factor).Store(c);
            (right * factor).Store(c + 8);
        }
    }
}
