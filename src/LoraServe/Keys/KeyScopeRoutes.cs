namespace LoraServe.Keys;

/// <summary>Says which scope a route needs.</summary>
internal static class KeyScopeRoutes
{
    public static TBuilder RequireScope<TBuilder>(this TBuilder routes, KeyScope scope)
        where TBuilder : IEndpointConventionBuilder => routes.WithMetadata(scope);
}
