# For linux/amd64: libtorch's packages have no other Linux (on another machine: docker build --platform linux/amd64).
FROM mcr.microsoft.com/dotnet/sdk:10.0 AS build
WORKDIR /source
# What restore needs comes first: a change of the code alone does not fetch libtorch again.
COPY global.json Directory.Build.props Directory.Build.targets Directory.Packages.props ./
COPY eng/ eng/
COPY src/Directory.Build.props src/
COPY src/LoraServe.Text/LoraServe.Text.csproj src/LoraServe.Text/
COPY src/LoraServe.Engine/LoraServe.Engine.csproj src/LoraServe.Engine/
COPY src/LoraServe/LoraServe.csproj src/LoraServe/
RUN dotnet restore src/LoraServe
COPY .editorconfig BannedSymbols.txt ./
COPY src/ src/
RUN dotnet publish src/LoraServe -c Release --no-restore -o /app

FROM mcr.microsoft.com/dotnet/aspnet:10.0
WORKDIR /app
# A volume takes over the owner of the folder it is mounted on.
RUN mkdir /data && chown "$APP_UID" /data
COPY --from=build /app .
# Other machines reach the container, so it does not start without a key: a file with one (LoraServe__AdminKeyFile), a key made in the
# volume (docker run -v data:/data IMAGE keys create --name admin --scopes admin), or LoraServe__AllowAnonymous=true.
# Diagnostics would need a writable /tmp. Nothing is written outside /data and, for large request bodies, /tmp.
ENV DOTNET_EnableDiagnostics=0 \
    LoraServe__Data=/data \
    LoraServe__Urls=http://+:8080
USER $APP_UID
VOLUME /data
EXPOSE 8080
# A large checkpoint may load for minutes; until then the container is starting, not unhealthy.
HEALTHCHECK --interval=15s --timeout=10s --start-period=5m CMD ["dotnet", "LoraServe.dll", "health"]
ENTRYPOINT ["dotnet", "LoraServe.dll"]
