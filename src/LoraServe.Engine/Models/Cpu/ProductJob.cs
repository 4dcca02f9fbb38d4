using LoraServe.Engine.Kernels.Products;

namespace LoraServe.Engine.Models.Cpu;

/// <summary>A product of a <see cref="LinearPhase"/>, whose outputs the members of the team divide among them.</summary>
internal readonly struct ProductJob(ProductOperands operands, int outputs)
{
    private readonly ProductOperands _operands = operands;

    /// <summary>Groups of outputs.</summary>
    public int Groups => (outputs + RowsProduct.Group - 1) / RowsProduct.Group;

    /// <summary>Computes some of the groups.</summary>
    public void Run(RowsProduct product, int from, int to) =>
        product.Multiply(_operands, from * RowsProduct.Group, Math.Min(to * RowsProduct.Group, outputs));
}
